import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { noteOf } from './diagnosis/standing.ts'
import { openRecorder } from './recorder.ts'
import { setClock } from './testing.ts'
import { why } from './why.ts'

/** Two minutes of platform and watcher, then nothing for two hours, and a minute of a new start. */
function outage(t: TestContext, boot: string) {
  const directory = mkdtempSync(join(tmpdir(), 'plimsoll-outage-'))
  t.after(() => rmSync(directory, { recursive: true, force: true }))
  const clock = setClock()
  const run = (seconds: number) => {
    const [platform, watcher] = (['platform', 'watcher'] as const).map(source =>
      openRecorder({ directory: join(directory, source), source, clock, maxBytes: 480_000, files: 4 })
    )
    watcher!.occurrence('start')
    platform!.occurrence('ready')
    for (let second = 0; second < seconds; second++) {
      clock.pass(1_000)
      platform!.sample({ 'cpu.machine': 0.1 })
      watcher!.sample({ 'platform.phase': 1, 'platform.silent': 200 })
    }
    // A kill closes nothing, and to close writes nothing.
    for (const recorder of [platform!, watcher!]) recorder.close()
  }
  run(120)
  const ended = clock.wall
  clock.pass(7_200_000)
  clock.boot = boot
  run(60)
  return { ended, at: (moment: number) => why(directory, { at: moment, clock }).diagnosis }
}

test('a moment in which nothing ran is told by what was recorded before it, not by what came after', t => {
  const { at, ended } = outage(t, 'boot-1')
  assert.equal(at(ended - 5_000).state, 'healthy')
  const { state, summary, causes, at: judged } = at(ended + 3_600_000)
  assert.deepEqual([state, judged], ['down', ended])
  assert.match(summary, /ended at once\. Nothing has been recorded since, for 60 min/)
  assert.deepEqual(
    causes.map(({ rule }) => rule),
    ['both-ended']
  )
  assert.equal(at(ended - 3_600_000).state, 'unknown', 'nothing is known of what was before the records')
})

test('another start of the machine after it says that the machine went down', t => {
  const { at, ended } = outage(t, 'boot-2')
  assert.match(at(ended + 60_000).causes[0]!.title, /^The machine was restarted or lost its power/)
})

test('a trouble that lasts is told from the files alone, by what was noted of it', t => {
  const directory = mkdtempSync(join(tmpdir(), 'plimsoll-lasting-'))
  t.after(() => rmSync(directory, { recursive: true, force: true }))
  const clock = setClock()
  const [platform, watcher] = (['platform', 'watcher'] as const).map(source =>
    openRecorder({ directory: join(directory, source), source, clock, maxBytes: 4_000_000, files: 4 })
  )
  const run = (minutes: number, commit: number, isNoting = false) => {
    for (let second = 0; second < 60 * minutes; second++) {
      clock.pass(1_000)
      platform!.sample({ 'store.primary.commit': commit, 'ingest.accepted': 1_500 })
      watcher!.sample({ 'platform.phase': 1, 'platform.silent': 200 })
      if (!isNoting || second % 60 > 0 || second < 240) continue
      const { name, ...note } = noteOf({ rule: 'store-slow', subject: 'primary', since: began }, clock.wall)
      watcher!.occurrence(name, note)
    }
  }
  run(16, 7)
  const began = clock.wall
  const told = () => why(directory, { clock }).diagnosis.causes
  run(20, 180, true)
  const [cause] = told()
  assert.equal(cause?.rule, 'store-slow')
  assert.ok(Math.abs(cause.since - began) < 10_000, `${cause.since - began} ms after it began`)
  run(4, 180)
  assert.deepEqual(told(), [], 'nobody notes it any more: it is what is usual')
  for (const recorder of [platform!, watcher!]) recorder.close()
})
