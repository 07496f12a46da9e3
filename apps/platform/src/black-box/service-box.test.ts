import assert from 'node:assert/strict'
import { existsSync, mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { test } from 'node:test'
import { type Occurrence, readRecords, type Sample, why } from '@plimsoll/recorder'
import pino from 'pino'
import { DataDirectory } from '../data-directory.ts'
import { startService } from '../serve.ts'
import { resolveSettings } from '../settings.ts'
import { openServiceBox } from './service-box.ts'

function settingsFor(t: { after(step: () => void): void }, more: object = {}) {
  const folder = mkdtempSync(join(tmpdir(), 'plimsoll-service-box-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  const flags = { data: folder, port: 0, healthPort: 0, logLevel: 'silent', ...more }
  return resolveSettings({ environment: {}, flags }).settings
}

/** As it is asked later, when nothing runs any more. */
const later = { clock: { wallNow: () => Date.now() + 120_000, upNow: () => 0, boot: '' } }

test('a service by itself records what it does, and why it ended', async t => {
  const settings = settingsFor(t)
  const service = await startService('metadata', settings)
  const folder = service.blackBox!
  assert.equal(folder, join(settings.data, 'services', 'metadata'))
  for (let asked = 0; asked < 3; asked++)
    assert.ok((await fetch(`${service.url}/v1/users/demo-user-000001/metadata`)).ok)
  await service.close('SIGTERM')
  const { records } = readRecords(join(folder, 'recorder'))
  const samples = records.filter((one): one is Sample => one.kind === 'sample')
  assert.ok(samples.at(-1)!.values['memory.rss']! > 10e6)
  assert.equal(
    samples.reduce((sum, { values }) => sum + (values['http.requests'] ?? 0), 0),
    3
  )
  const happened = records.filter((one): one is Occurrence => one.kind === 'occurrence')
  assert.deepEqual(
    happened.map(({ name }) => name),
    ['start', 'ready', 'signal', 'close']
  )
  const { diagnosis } = why(join(folder, 'recorder'), later)
  assert.equal(diagnosis.state, 'down')
  assert.match(diagnosis.summary, /^Stopped at .*, as it was told to \(SIGTERM\)/)
  const bytes = readdirSync(join(folder, 'recorder/metadata')).map(
    file => statSync(join(folder, 'recorder/metadata', file)).size
  )
  assert.ok(Math.max(...bytes) * 25 <= 16_000_000)
})

test('a service that cannot start leaves the reason in its black box', async t => {
  const settings = settingsFor(t)
  await assert.rejects(startService('billing', settings), /needs databaseUrl/)
  const { records } = readRecords(join(settings.data, 'services/billing/recorder'))
  const errors = records.filter((one): one is Occurrence => one.kind === 'occurrence' && one.name === 'error')
  assert.deepEqual(
    errors.map(({ subject, detail }) => [subject, /needs databaseUrl/.test(String(detail?.message))]),
    [['start', true]]
  )
  assert.ok(!existsSync(join(settings.data, 'services/billing.lock')))
})

test('processes of one service that share a data folder have a black box each, up to a bound', t => {
  const settings = settingsFor(t)
  const data = new DataDirectory(settings.data)
  const lines: string[] = []
  const logger = pino({ level: 'error' }, { write: line => void lines.push(line) })
  const boxes = Array.from({ length: 9 }, () => openServiceBox('feed', data, settings, logger))
  t.after(() => {
    for (const { close } of boxes) close()
  })
  const names = boxes.map(({ folder }) => folder && basename(folder))
  assert.deepEqual([names[0], names[1], names[7], names[8]], ['feed', 'feed-2', 'feed-8', undefined])
  assert.match(lines.join(''), /8 processes of feed/)
  boxes[1]!.close()
  const next = openServiceBox('feed', data, settings, logger)
  t.after(() => next.close())
  assert.equal(next.folder, boxes[1]!.folder)
})
