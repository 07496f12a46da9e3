import type { Operation } from './document.ts'
import type { Random } from './random.ts'
import { fittingValue, type Known, text } from './value.ts'

/** A request before it is bytes, so that each part can still be spoilt. Secrets stand in it as `{admin}` and the like. */
export interface Draft {
  /** What the answer is judged by; `undefined` once the request is for no operation of the document. */
  operation: Operation | undefined
  method: string
  /** As it goes on the wire. */
  path: string
  /** Names and values as they go on the wire. */
  query: [name: string, value: string][]
  headers: [name: string, value: string][]
  /** The body is the last of these that there is. */
  value?: unknown
  text?: string
  bytes?: Buffer
  chunked: boolean
  /** False when it is not HTTP any more: then an answer is a courtesy. */
  isHttp: boolean
  /** What was done to it; empty for a valid one. */
  mutations: string[]
}

/** Projects of the run. `books` takes events and new sessions alone, so that its accepted events can be counted from outside. */
export const projects = { books: 'chaos', sessions: 'chaos-sessions', left: 'chaos-left' } as const

/** What the document does not say: who may do what. */
function credentialsOf({ name }: Operation, random: Random): [string, string][] {
  if (name === 'GET /v1/me') return [['cookie', '{cookie}']]
  if (name === 'POST /v1/events' || name === 'POST /v1/sessions') return [['authorization', 'Bearer {books}']]
  if (/ \/v1\/(user|feed)/.test(name)) return [['authorization', 'Bearer {admin}']]
  if (name.startsWith('PUT ') || name.startsWith('DELETE ')) return [['authorization', 'Bearer {sessions}']]
  if (!name.startsWith('GET ')) return [['authorization', 'Bearer {admin}']]
  const who: [string, string] = random.chance(0.3) ? ['cookie', '{cookie}'] : ['authorization', 'Bearer {admin}']
  return [who, ['x-plimsoll-project', random.pick(Object.values(projects))]]
}

/** A text as a header can carry it (RFC 9110, section 5.5); what it cannot is among the spoilt ones. */
const fieldValue = (text: string) => text.replace(/[^\x20-\x7e]/g, '~').trim() || '~'

/** A request that fits the document. */
export function validDraft(operation: Operation, random: Random, known: Known): Draft {
  const headers: [string, string][] = [['host', 'localhost'], ...credentialsOf(operation, random)]
  const query: [string, string][] = []
  let { path } = operation
  for (const parameter of operation.parameters) {
    if (isForOthers(parameter.name)) continue
    const isKey = parameter.name === 'idempotency-key'
    if (!parameter.required && !isKey && random.chance(0.5)) continue
    const value = isKey ? `key-${random.whole(0, 400)}` : String(fittingValue(schemaOf(parameter), random, known))
    if (parameter.in === 'path') path = path.replace(`{${parameter.name}}`, encodeURIComponent(value))
    else if (parameter.in === 'query') query.push([parameter.name, encodeURIComponent(value)])
    else headers.push([parameter.name, fieldValue(value)])
  }
  const draft: Draft = {
    operation,
    method: operation.method,
    path,
    query,
    headers,
    chunked: random.chance(0.1),
    isHttp: true,
    mutations: []
  }
  if (operation.body) {
    draft.value = fittingValue(operation.body.schema, random, known)
    const type = random.pick(operation.body.types)
    headers.push(['content-type', type])
    if (type.includes('ndjson'))
      draft.text = [draft.value]
        .flat()
        .map(line => JSON.stringify(line))
        .join('\n')
  }
  return draft

  // A project is any text in the document; only these names exist.
  function schemaOf({ name, in: where, schema }: Operation['parameters'][number]) {
    if (name === 'project')
      return where === 'path'
        ? { enum: [projects.left, `chaos-${text(random, 1, 1)}`.replace(/[^a-z0-9-]/g, 'x')] }
        : { enum: Object.values(projects) }
    // One that is too short is answered 503 by right; the odd ones are among the spoilt headers.
    if (name === 'x-request-deadline') return { type: 'integer', minimum: 5_000, maximum: 60_000 }
    return schema
  }
}

/** Headers that go with the credentials: the project of an admin is drawn there, and no key of the run may backfill. */
const isForOthers = (name: string) => name === 'x-plimsoll-project' || name === 'x-plimsoll-backfill'

/** The headers' bytes and the body's. */
export function bytesOf(draft: Draft, fill: (text: string) => string = given => given): { head: Buffer; body: Buffer } {
  const { query, value } = draft
  const json = value === undefined ? undefined : JSON.stringify(value)
  const content =
    draft.bytes ??
    (draft.text === undefined ? undefined : Buffer.from(draft.text)) ??
    (json === undefined ? undefined : Buffer.from(json))
  const target = draft.path + (query.length > 0 ? `?${query.map(([name, given]) => `${name}=${given}`).join('&')}` : '')
  const headers = [...draft.headers]
  const lengthIsSaid = headers.some(([name]) => /^(content-length|transfer-encoding)$/i.test(name))
  let body = content ?? Buffer.alloc(0)
  if (content && !lengthIsSaid) {
    headers.push(draft.chunked ? ['transfer-encoding', 'chunked'] : ['content-length', String(content.length)])
    if (draft.chunked) body = inChunks(content)
  }
  const lines = headers.map(([name, given]) => `${name}: ${fill(given)}\r\n`).join('')
  return { head: Buffer.from(`${draft.method} ${target} HTTP/1.1\r\n${lines}\r\n`), body }
}

function inChunks(content: Buffer): Buffer {
  const half = Math.ceil(content.length / 2)
  const chunks = [content.subarray(0, half), content.subarray(half)].filter(({ length }) => length > 0)
  const framed = chunks.flatMap(chunk => [Buffer.from(`${chunk.length.toString(16)}\r\n`), chunk, Buffer.from('\r\n')])
  return Buffer.concat([...framed, Buffer.from('0\r\n\r\n')])
}
