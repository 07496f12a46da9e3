import type { Draft } from './draft.ts'
import type { Random } from './random.ts'

export type Spoil = (draft: Draft, random: Random) => void

export function setHeader(draft: Draft, name: string, value: string | undefined): void {
  draft.headers = draft.headers.filter(([given]) => given !== name)
  if (value !== undefined) draft.headers.push([name, value])
}

const contentTypes = [
  'text/plain',
  'application/xml',
  'multipart/form-data; boundary=x',
  'application/x-www-form-urlencoded',
  'application/json; charset=utf-16',
  'application/json;charset="utf-8',
  'APPLICATION/JSON',
  'application/json, text/plain',
  'json',
  '',
  ';',
  '*/*',
  `application/${'x'.repeat(500)}`,
  'application/vnd.api+json',
  'application/jsonx'
]
const authorizations = [
  'Bearer',
  'Bearer ',
  'Basic YTpi',
  'Bearer plk_',
  `Bearer plk_${'a'.repeat(43)}`,
  'Bearer plk_\u00e9',
  `Bearer ${'x'.repeat(5_000)}`,
  'bearer  {admin}',
  'Bearer {admin}x',
  '{admin}',
  'Bearer {admin},Bearer x',
  'Bearer null',
  'Digest username="x"',
  'Bearer {left}',
  'Bearer {admin}'
]
const oddHeaders: Record<string, readonly string[]> = {
  'x-sent-at': [
    '',
    '0',
    '-1',
    '1e9',
    '9999999999999',
    '1767322980000',
    '2026-01-02T03:04:05Z',
    '0001-01-01T00:00:00Z',
    '9999-12-31T23:59:59Z',
    'now',
    '2026-02-30T00:00:00Z',
    'NaN',
    ' 1'
  ],
  'x-request-deadline': [
    '',
    '0',
    '1',
    '5',
    '-1',
    '1.5',
    '1e3',
    '10000',
    '99999999999999999999',
    'soon',
    '0x10',
    'Infinity',
    ' 7 '
  ],
  'idempotency-key': ['', '""', '"', '"a"', 'a b', '\u00fc', 'k'.repeat(255), 'k'.repeat(258), '"\\""', 'a\tb', '{}'],
  'x-plimsoll-project': [
    '',
    'default',
    '-',
    'UPPER',
    'a'.repeat(64),
    'a'.repeat(65),
    '../x',
    'constructor',
    '__proto__',
    'a b',
    '\u00e9',
    '*',
    'chaos-odd'
  ],
  'x-plimsoll-backfill': ['1', '0', 'true', ''],
  cookie: [
    'plimsoll_session=',
    'plimsoll_session=1.x',
    '=',
    ';;;',
    `plimsoll_session=9999999999999.${'A'.repeat(43)}`,
    'plimsoll_session=Infinity.x',
    'a=b; plimsoll_session'
  ],
  accept: ['', 'text/html', 'application/xml', '*/*;q=0', '\u0080'],
  'accept-encoding': ['gzip', 'br', 'identity;q=0', '*;q=0'],
  expect: ['100-continue', '200-ok'],
  range: ['bytes=0-1', 'bytes=9-1'],
  'if-none-match': ['*', '"x"'],
  origin: ['null', 'https://example.org'],
  'x-forwarded-for': ['127.0.0.1', '\u00ff'],
  'x-http-method-override': ['DELETE'],
  traceparent: ['00-0-0-0', `00-${'0'.repeat(32)}-${'0'.repeat(16)}-00`],
  upgrade: ['websocket', 'h2c'],
  connection: ['close', 'keep-alive', 'upgrade', 'x'],
  te: ['trailers'],
  host: ['', 'a b', '[::1]', 'x'.repeat(300)]
}
const segments = [
  '%00',
  '%2e%2e',
  '..',
  '%2F',
  '%',
  '%zz',
  '%c3%28',
  '%F0%9F%98%80',
  '%ed%a0%80',
  '',
  ' '.trim(),
  '*',
  ':id',
  '{id}',
  'x'.repeat(201),
  'x'.repeat(3_000),
  '00000000-0000-0000-0000-000000000000',
  'null',
  'constructor',
  '__proto__',
  '%0d%0aX:1',
  'a;b',
  "'",
  '%27%20or%201=1',
  '~',
  'chaos-odd',
  'UPPER'
]
const queries: [string, string][] = [
  ['limit', '0'],
  ['limit', '-1'],
  ['limit', '1e2'],
  ['limit', '201'],
  ['limit', '0x10'],
  ['limit', ''],
  ['limit', 'NaN'],
  ['limit[]', '1'],
  ['limit', '1&limit=2'],
  ['project', 'a&project=b'],
  ['project[]', 'a'],
  ['project', ''],
  ['project', '%00'],
  ['project', '%'],
  ['project', '%ff'],
  ['project', '__proto__'],
  ['__proto__', '1'],
  ['__proto__[x]', '1'],
  ['constructor', 'x'],
  ['from', '2026-01-01'],
  ['from', '0000-00-00T00:00:00Z'],
  ['from', '9999-12-31T23:59:59Z'],
  ['to', '9999-12-31T23:59:59Z'],
  ['to', '0001-01-01T00:00:00Z'],
  ['from', '1970-01-01T00:00:00%2B23:59'],
  ['from', '2026-06-30T23:59:60Z'],
  ['to', '2026-06-30T23:59:60Z'],
  ['region', '%2C'.repeat(100)],
  ['region', '%00'],
  ['region', 'a%2Cb%2C%F0%9F%98%80'],
  ['region', '%ed%a0%80'],
  ['top', '0'],
  ['top', '101'],
  ['top', '1.5'],
  ['top', '1e999'],
  ['before', 'x'],
  ['before', '00000000-0000-0000-0000-000000000000'],
  ['consistency', 'latest'],
  ['consistency', 'x'],
  ['x', 'y'.repeat(4_000)],
  ['%', ''],
  ['', ''],
  ['a=b', 'c'],
  ['&', '&']
]
const methods = [
  'HEAD',
  'OPTIONS',
  'PATCH',
  'PUT',
  'DELETE',
  'POST',
  'GET',
  'TRACE',
  'PROPFIND',
  'PURGE',
  'QUERY',
  'SEARCH',
  'get',
  'HOIST',
  'CONNECT'
]
const elsewhere = [
  '/',
  '//',
  '/v1',
  '/v1/',
  '/v2/events',
  '/v1/events/',
  '/V1/EVENTS',
  '/v1//events',
  '/metrics',
  '/openapi.json',
  '/sign-in',
  '/assets/..%2f..%2fpackage.json',
  '/..;/v1/events',
  '/%',
  '/v1/sessions/',
  '/favicon.ico',
  '/.env',
  '*',
  'http://localhost/v1/me',
  '/v1/events#x',
  `/${'x'.repeat(4_000)}`,
  '/v1/sessions/a/b'
]

/** Faults of all that stands before the body: method, path, query, headers, credentials. */
export const requestSpoils: Record<string, Spoil> = {
  'content type': (draft, random) =>
    setHeader(draft, 'content-type', random.chance(0.2) ? undefined : random.pick(contentTypes)),
  authorization: (draft, random) => {
    setHeader(draft, 'cookie', undefined)
    setHeader(draft, 'authorization', random.chance(0.2) ? undefined : random.pick(authorizations))
  },
  header: (draft, random) => {
    const name = random.pick(Object.keys(oddHeaders))
    setHeader(draft, name, random.pick(oddHeaders[name]!))
    // These say what becomes of the connection, which need not be an answer.
    if (name === 'upgrade' || name === 'connection') draft.isHttp = false
  },
  'many headers': (draft, random) => {
    for (let n = random.pick([50, 500, 3_000]); n > 0; n--) draft.headers.push([`x-${n}`, 'y'])
  },
  query: (draft, random) => {
    for (let n = random.whole(1, 3); n > 0; n--) draft.query.push(random.pick(queries))
  },
  'path parameter': (draft, random) => {
    const template = draft.operation?.path.split('/') ?? []
    const place = template.findIndex(segment => segment.startsWith('{'))
    if (place === -1) return
    const odd = random.pick(segments)
    draft.path = draft.path.split('/').with(place, odd).join('/')
    if (odd === '' || odd.includes(';')) draft.operation = undefined
  },
  method: (draft, random) => {
    const method = random.pick(methods)
    if (method !== draft.method) draft.operation = undefined
    if (method === 'CONNECT' || method === 'HOIST' || method === 'get') draft.isHttp = false
    draft.method = method
  },
  path: (draft, random) => {
    draft.path = random.pick(elsewhere)
    draft.operation = undefined
  },
  'header that is not HTTP': (draft, random) => {
    draft.isHttp = false
    draft.headers.push(
      random.pick<[string, string]>([
        ['x-nul', 'a\0b'],
        ['x y', 'z'],
        ['x', 'a\rb'],
        ['', ''],
        ['content-length', '5'],
        ['content-length', '-1'],
        ['content-length', '99999999'],
        ['content-length', '1, 2'],
        ['transfer-encoding', 'chunked'],
        ['transfer-encoding', 'gzip'],
        ['transfer-encoding', 'chunked, identity'],
        ['host', 'second']
      ])
    )
  }
}
