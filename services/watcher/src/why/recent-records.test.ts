import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { openRecorder, type RecorderClock, readRecords } from '@plimsoll/recorder'
import { RecentRecords } from './recent-records.ts'

/** Two writers on a clock that the test moves on, and a reader beside them. */
function recording(t: TestContext) {
  const directory = mkdtempSync(join(tmpdir(), 'plimsoll-recent-'))
  let now = Date.UTC(2026, 10, 28, 12)
  const clock: RecorderClock = { boot: 'another', wallNow: () => now, upNow: () => now }
  const writers = (['platform', 'watcher'] as const).map(source =>
    openRecorder({ directory: join(directory, source), source, clock })
  )
  t.after(() => {
    for (const writer of writers) writer.close()
    rmSync(directory, { recursive: true, force: true })
  })
  return {
    directory,
    recent: new RecentRecords(directory),
    now: () => now,
    pass(seconds: number) {
      for (let n = 0; n < seconds; n++) {
        now += 1_000
        for (const writer of writers) writer.sample({ 'memory.rss': now % 97_000 })
        writers[0]!.occurrence('error', { subject: String(now) })
      }
    }
  }
}

test('what is read bit by bit is what is read at once', t => {
  const { directory, recent, pass, now } = recording(t)
  for (const seconds of [3, 1, 40, 0, 7, 60, 2]) {
    pass(seconds)
    const span = { from: now() - 50_000, to: now() }
    assert.deepEqual(recent.read(span), readRecords(directory, span).records)
  }
})

test('a span that begins earlier, and a clock that was set, are read anew', t => {
  const { directory, recent, pass, now } = recording(t)
  pass(60)
  const all = { from: now() - 60_000, to: now() }
  const few = { from: now() - 10_000, to: now() }
  assert.ok(recent.read(few, 0).length < recent.read(all, 0).length)
  assert.deepEqual(recent.read(all, 5_000_000), readRecords(directory, all).records)
})
