import assert from 'node:assert/strict'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { openRecorder, type RecorderClock } from '@plimsoll/recorder'
import { lastJson, runCli } from '../end-to-end/run-cli.ts'
import { writeReport } from './report.ts'

const noon = Date.UTC(2026, 10, 28, 12)

/** A data folder with twenty minutes of a black box, of a platform that is no more. */
function recorded(t: TestContext) {
  const data = mkdtempSync(join(tmpdir(), 'plimsoll-report-'))
  t.after(() => rmSync(data, { recursive: true, force: true }))
  let now = noon
  const clock: RecorderClock = { boot: 'another', wallNow: () => now, upNow: () => now - noon }
  const recorder = openRecorder({ directory: join(data, 'recorder/platform'), source: 'platform', clock })
  for (; now < noon + 20 * 60_000; now += 1_000) recorder.sample({ 'memory.rss': 1e8, 'memory.limit': 1e9 })
  recorder.close()
  return { data, env: {}, start: () => assert.fail(), remove: async () => undefined }
}

test('a report is written from files alone, of a moment or of a stretch of time', async t => {
  const home = recorded(t)
  const out = join(home.data, 'out')
  const read = ({ files, records, to }: Pick<ReturnType<typeof writeReport>, 'files' | 'records' | 'to'>) => {
    assert.ok(records > 600, `${records} records`)
    assert.ok(Date.parse(to) <= noon + 20 * 60_000)
    assert.match(readFileSync(files.markdown, 'utf8'), /## Nearest to its limit[\s\S]*memory of the platform \| 10 %/)
    assert.match(readFileSync(files.html, 'utf8'), /^<!doctype html>[\s\S]*<\/html>\n$/)
  }
  read(writeReport({ data: home.data, out, at: '2026-11-28T12:15:00Z' }))
  read(writeReport({ data: home.data, out, from: '2026-11-28T12:05:00Z', to: '2026-11-28T12:15:00Z' }))
  const ran = await runCli(home, ['report', '--out', out, '--json'])
  assert.equal(ran.code, 0, ran.stderr)
  read(lastJson(ran))
})

/** Ten minutes of platform and watcher, and an incident in them that the watcher noted. */
function watched(t: TestContext) {
  const data = mkdtempSync(join(tmpdir(), 'plimsoll-report-'))
  t.after(() => rmSync(data, { recursive: true, force: true }))
  let now = noon
  const clock: RecorderClock = { boot: '', wallNow: () => now, upNow: () => now - noon }
  const [platform, watcher] = (['platform', 'watcher'] as const).map(source =>
    openRecorder({ directory: join(data, 'recorder', source), source, clock })
  )
  for (; now < noon + 600_000; now += 1_000) {
    platform!.sample({ 'memory.rss': 1e8 })
    watcher!.sample({ 'platform.phase': 1, 'platform.silent': 200 })
  }
  const lever = { name: 'breaker', action: 'wait', page: 'docs/levers.md' }
  const cause = { rule: 'slow', subject: 'metadata', title: 'slow', cost: 'some', lever, since: noon, evidence: [] }
  const slow = { id: '1', since: noon + 60_000, openedAt: noon + 75_000, closedAt: noon + 120_000, cause, also: [] }
  const kept = { following: { wellMs: 0 }, past: [{ ...slow, before: [] }], pending: [] }
  writeFileSync(join(data, 'incidents.json'), JSON.stringify(kept))
  const told = (after: number, times = {}) => writeReport({ data, out: join(data, 'out'), ...times }, now + after)
  return { platform: platform!, watcher: watcher!, told }
}

test('an end of all that nobody was left to note is what is reported, and not what was before', t => {
  const { told } = watched(t)
  assert.equal(told(5_000).from, new Date(noon - 240_000).toISOString(), 'while it is recorded: the last incident')
  const { state, causes, title, summary, files } = told(3_600_000)
  assert.deepEqual([state, causes[0]?.rule], ['down', 'both-ended'])
  assert.match(title, /^The machine, its container or both processes ended at once/)
  assert.match(summary, /for 60 min: neither the platform nor its watcher runs/)
  assert.match(readFileSync(files.markdown, 'utf8'), /it goes on/)
  const asked = told(7_200_000, { at: '2026-11-28T13:00:00Z' })
  assert.deepEqual([asked.state, asked.causes[0]?.rule], ['down', 'both-ended'])
  assert.match(asked.summary, /for 50 min/)
  const stretch = told(7_200_000, { from: '2026-11-28T12:05:00Z', to: '2026-11-28T12:18:00Z' })
  assert.deepEqual(
    stretch.causes.map(({ rule }) => rule),
    ['both-ended']
  )
})

test('after a stop that was asked for it is the last incident', t => {
  const { watcher, platform, told } = watched(t)
  watcher.occurrence('signal', { subject: 'SIGTERM' })
  platform.occurrence('close', { detail: { why: 'SIGTERM', code: 0 } })
  watcher.occurrence('exit', { detail: { code: 0, signal: null } })
  watcher.occurrence('close', { detail: { why: 'the platform was stopped' } })
  const { from, causes } = told(3_600_000)
  assert.equal(from, new Date(noon - 240_000).toISOString())
  assert.deepEqual(causes, [])
})

test('a time that is none, and a folder without a record, are said so, and nothing is written', t => {
  const home = recorded(t)
  const out = join(home.data, 'out')
  const { data } = home
  for (const [options, complaint] of [
    [{ data, at: 'noon' }, /--at is a moment/],
    [{ data, at: '5m', to: '1m' }, /give --at, or/],
    [{ data, from: '2026-11-28T12:05:00Z' }, /go together/],
    [{ data, from: '2026-11-28T12:05:00Z', to: '2026-11-28T12:04:00Z' }, /later than/],
    [{ data, from: '2026-11-26T12:05:00Z', to: '2026-11-28T12:04:00Z' }, /24 hours at most/],
    [{ data: join(data, 'nowhere') }, /nothing was recorded/]
  ] as const) {
    assert.throws(() => writeReport({ out, ...options }), complaint)
  }
  assert.equal(existsSync(out), false)
})
