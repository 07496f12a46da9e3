import assert from 'node:assert/strict'
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { after, test } from 'node:test'
import { gzipSync } from 'node:zlib'
import { type ImportItem, readImport } from './access-log-import.ts'

const folder = mkdtempSync(join(tmpdir(), 'plimsoll-import-test-'))
after(() => rmSync(folder, { recursive: true }))

const key = Buffer.from('a key of these tests')
const line = (minute: number, address: string, target: string, status = 200, agent = 'Sextant/2') =>
  `${address} - - [03/Feb/2021:${String(4 + Math.floor(minute / 60)).padStart(2, '0')}:${String(minute % 60).padStart(2, '0')}:00 +0000] "GET ${target} HTTP/1.1" ${status} 5 "-" "${agent}"`

function file(name: string, content: string | Buffer): string {
  const path = join(folder, name)
  writeFileSync(path, content)
  return path
}

async function importOf(files: string[], stdin = Readable.from([])) {
  const log = readImport(files, { key, stdin })
  await log.prepare()
  const items: ImportItem[] = await Array.fromAsync(log.events())
  const events = items.flatMap(item => ('event' in item ? [item.event] : []))
  return { items, events, totals: log.totals }
}

const voyage = `${[
  line(0, '192.0.2.1', '/'),
  line(0, '192.0.2.1', '/'),
  line(10, '192.0.2.2', '/charts/north'),
  line(20, '192.0.2.1', '/charts/south?x=1', 404),
  '192.0.2.3 - - [03/Feb/2021:04:30:00 +0000] "GET /cut HTTP/1.1" 200 5 "-" "Sext',
  '',
  line(60, '192.0.2.1', '/log', 503)
].join('\n')}\n`

test('each line is an event, or is refused by name', async () => {
  const path = file('voyage.log', voyage)
  const { items, events, totals } = await importOf([path])
  assert.deepEqual(totals, { lines: 7, blank: 1, events: 5, refused: 1, sessions: 3, users: 2 })
  assert.deepEqual(
    items.map(item => item.line),
    [1, 2, 3, 4, 5, 7]
  )
  const refused = items[4]!
  assert.ok('refused' in refused)
  assert.equal(refused.refused.code, 'malformed_line')
  assert.match(refused.refused.excerpt, /^192\.0\.2\.3 - - .*"Sext$/)
  assert.deepEqual(
    events.map(({ data }) => `${data.feature} ${data.status} ${data.outcome}`),
    ['/ 200 ok', '/ 200 ok', 'charts 200 ok', 'charts 404 client_error', 'log 503 server_error']
  )
  assert.equal(events[2]?.time, '2021-02-03T04:10:00.000Z')
  assert.doesNotMatch(JSON.stringify(events), /192\.0\.2/)
})

test('the same request twice in a second is two events of one user', async () => {
  const { events } = await importOf([file('voyage.log', voyage)])
  assert.notEqual(events[0]?.id, events[1]?.id)
  assert.equal(new Set(events.map(({ id }) => id)).size, 5)
  const [first, second, other, third, last] = events.map(({ session }) => session.id)
  assert.deepEqual([second, third, last], [first, first, first])
  assert.notEqual(other, first)
})

test('the same content has the same events, however it comes', async () => {
  const { events } = await importOf([file('voyage.log', voyage)])
  const others = [
    await importOf([file('named-otherwise', voyage)]),
    await importOf([file('no-suffix', gzipSync(voyage))]),
    await importOf([
      file('two-members.gz', Buffer.concat([gzipSync(voyage.slice(0, 200)), gzipSync(voyage.slice(200))]))
    ]),
    await importOf([file('windows.log', voyage.replaceAll('\n', '\r\n'))]),
    await importOf([file('no-last-line-end.log', voyage.trimEnd())]),
    await importOf(['-'], Readable.from([Buffer.from(voyage.slice(0, 77)), Buffer.from(voyage.slice(77))])),
    await importOf(['-'], Readable.from([gzipSync(voyage)]))
  ]
  for (const other of others) assert.deepEqual(other.events, events)
})

test('a file that is given twice gives its events twice, under the same ids', async () => {
  const path = file('voyage.log', voyage)
  const { events } = await importOf([path, path])
  assert.equal(events.length, 10)
  assert.equal(new Set(events.map(({ id }) => id)).size, 5)
})

test('a session goes on from one file to the next, whatever their order', async () => {
  const early = file('early.log', line(0, '192.0.2.1', '/'))
  const late = file('late.log', line(25, '192.0.2.1', '/'))
  for (const files of [
    [early, late],
    [late, early]
  ]) {
    const { events, totals } = await importOf(files)
    assert.equal(totals.sessions, 1)
    assert.equal(events[0]?.session.id, events[1]?.session.id)
  }
})

test('another user agent is another user', async () => {
  const lines = [line(0, '192.0.2.1', '/', 200, 'Sextant'), line(0, '192.0.2.1', '/', 200, 'Compass')]
  assert.equal((await importOf([file('agents.log', lines.join('\n'))])).totals.users, 2)
})

test('a line without end is refused and the next is read', async () => {
  const path = file('endless.log', `${line(0, '192.0.2.1', `/${'x'.repeat(200_000)}`)}\n${line(1, '192.0.2.1', '/')}\n`)
  const { items } = await importOf([path])
  assert.ok('refused' in items[0]! && items[0].refused.code === 'line_too_long')
  assert.ok('event' in items[1]!)
})

test('an empty file has no lines', async () => {
  assert.deepEqual((await importOf([file('empty.log', '')])).items, [])
})

test('what cannot be read is named', async () => {
  const unreadable = (files: string[]) => assert.rejects(importOf(files), { code: 'log_unreadable' })
  await unreadable([join(folder, 'missing.log')])
  await unreadable([folder])
  await unreadable([file('cut.gz', gzipSync(voyage.repeat(50)).subarray(0, 100))])
  await assert.rejects(importOf([join(folder, 'missing.log')]), /missing\.log cannot be read/)
})

test('the copy of standard input is removed at the end, and when the import is given up', async t => {
  const temporary = process.env.TMPDIR
  const place = mkdtempSync(join(tmpdir(), 'plimsoll-spool-'))
  process.env.TMPDIR = place
  t.after(() => {
    if (temporary === undefined) delete process.env.TMPDIR
    else process.env.TMPDIR = temporary
    rmSync(place, { recursive: true })
  })
  await importOf(['-'], Readable.from([Buffer.from(voyage)]))
  assert.deepEqual(readdirSync(place), [])

  const given = readImport(['-'], { key, stdin: Readable.from([Buffer.from(voyage)]) })
  await given.prepare()
  assert.equal(readdirSync(place).length, 1)
  await given.close()
  assert.deepEqual(readdirSync(place), [])

  const left = readImport(['-'], { key, stdin: Readable.from([Buffer.from(voyage)]) })
  await left.prepare()
  for await (const _ of left.events()) break
  assert.deepEqual(readdirSync(place), [])
})
