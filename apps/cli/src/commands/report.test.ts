import assert from 'node:assert/strict'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
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
