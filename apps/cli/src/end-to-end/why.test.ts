import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, type TestContext, test } from 'node:test'
import { type Diagnosis, openRecorder, type RecorderClock, readRecords } from '@plimsoll/recorder'
import { lastJson, runCli } from './run-cli.ts'

const second = 1_000

/** A data folder in which a platform and its watcher recorded so many seconds, up to `agoMs` ago; and nothing runs. */
function blackBox(t: TestContext, { seconds = 90, agoMs = 0 } = {}) {
  const data = mkdtempSync(join(tmpdir(), 'plimsoll-why-'))
  t.after(() => rmSync(data, { recursive: true, force: true }))
  const end = Date.now() - agoMs
  let at = end - seconds * second
  const clock: RecorderClock = { wallNow: () => at, upNow: () => at, boot: '' }
  const writer = (source: 'platform' | 'watcher') =>
    openRecorder({ directory: join(data, 'recorder', source), source, clock, maxBytes: 480_000, files: 4 })
  const platform = writer('platform')
  const watcher = writer('watcher')
  for (; at < end; at += second) {
    platform.sample({ 'cpu.machine': 0.1, 'disk.free': 20e9, 'disk.total': 100e9 })
    watcher.sample({ 'platform.phase': 1, 'platform.silent': 200, 'probe.main': 1 })
  }
  const home = { data, env: {} } as Parameters<typeof runCli>[0]
  return { data, home, end, platform, watcher, why: (...args: string[]) => runCli(home, ['why', ...args]) }
}

describe('plimsoll why', () => {
  test('answers from files alone: well, and what is nearest to its limit', async t => {
    const { why } = blackBox(t)
    const { code, stdout, stderr } = await why()
    assert.equal(code, 0, stderr)
    assert.match(stdout, /^HEALTHY {2}Healthy\. Nearest to its limit: disk of the data folder, 80 % used\./)
    assert.match(stdout, /disk of the data folder +80 % +80 GB of 100 GB +no trend/)
  })

  test('says that nothing runs, since when, and judges the last that was recorded', async t => {
    const { why, end } = blackBox(t, { agoMs: 7_200_000 })
    const ran = await why('--json')
    assert.equal(ran.code, 1, ran.stderr)
    const { state, summary, at } = lastJson<Diagnosis>(ran)
    assert.equal(state, 'down')
    assert.match(summary, /Nothing has been recorded since, for 2 h: neither the platform nor its watcher runs\./)
    assert.ok(at <= end && at >= end - 2 * second)
  })

  test('looks back to a moment, and has nothing to say of one before the records', async t => {
    const { why, end, watcher } = blackBox(t, { seconds: 200 })
    watcher.occurrence('exit', { detail: { signal: 'SIGKILL' } })
    const healthy = await why('--json', '--at', new Date(end - 60 * second).toISOString())
    assert.equal(healthy.code, 0, healthy.stderr)
    assert.equal(lastJson<Diagnosis>(healthy).at, end - 60 * second)
    assert.equal((await why('--json')).code, 1)
    const before = await why('--at', '2h')
    assert.deepEqual([before.code, before.stdout.split(' ', 1)[0]], [2, 'UNKNOWN'])
  })

  test('refuses what it cannot read in words', async t => {
    const { why } = blackBox(t, { seconds: 1 })
    assert.match((await why('--at', 'yesterday')).stderr, /--at is a moment/)
    const { code, stderr } = await why('--data', join(tmpdir(), 'plimsoll-nowhere'))
    assert.equal(code, 2)
    assert.match(stderr, /there is no black box in/)
  })

  test('remembers a start that was refused for a setting', async t => {
    const { home, data } = blackBox(t, { seconds: 1 })
    assert.equal((await runCli(home, ['up', '--data', data, '--port', 'wrong'])).code, 2)
    const last = readRecords(join(data, 'recorder')).records.at(-1)
    assert.deepEqual(last?.kind === 'occurrence' && [last.source, last.name, last.detail], [
      'watcher',
      'refused-to-start',
      { why: '--port: port must be a port, 0 to 65535' }
    ])
  })
})
