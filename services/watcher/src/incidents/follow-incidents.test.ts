import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { openRecorder, type RecorderClock } from '@plimsoll/recorder'
import type { Message } from '../alerts/message.ts'
import { Looker } from '../why/looker.ts'
import { endBefore } from './end-before.ts'
import { followIncidents } from './follow-incidents.ts'

/** A watcher's black box, and incidents that are followed in it and told to a channel in memory. */
function following(t: TestContext, send: (message: Message) => Promise<void>, begin?: (directory: string) => void) {
  const folder = mkdtempSync(join(tmpdir(), 'plimsoll-follow-'))
  begin?.(join(folder, 'recorder'))
  const before = endBefore(join(folder, 'recorder'))
  const recorder = openRecorder({ directory: join(folder, 'recorder/watcher'), source: 'watcher' })
  const looker = new Looker({ directory: join(folder, 'recorder'), patienceMs: 60_000 })
  const incidents = followIncidents(looker, {
    file: join(folder, 'incidents.json'),
    channels: [{ name: 'memory', send }],
    page: 'http://127.0.0.1:7071',
    goesOn: () => false,
    before
  })
  t.after(async () => {
    incidents.close()
    recorder.close()
    await looker.close()
    rmSync(folder, { recursive: true, force: true })
  })
  return { recorder, incidents }
}

test('a platform that could not start is told of before its watcher ends', async t => {
  const told: Message[] = []
  const { recorder, incidents } = following(t, async message => void told.push(message))
  recorder.occurrence('refused-to-start', { detail: { why: 'port must be a port' } })
  recorder.sample({ 'platform.phase': 4 })
  await incidents.lastWords()
  assert.deepEqual(
    told.map(({ event }) => event),
    ['incident.opened']
  )
  assert.equal(incidents.incidents.open?.id, told[0]!.incident.id)
})

test('and is not held up for ever by somebody who does not answer', { timeout: 60_000 }, async t => {
  t.mock.timers.enable({ apis: ['setTimeout'] })
  const asked = Promise.withResolvers<void>()
  const { recorder, incidents } = following(t, () => {
    asked.resolve()
    return new Promise(() => undefined)
  })
  recorder.sample({ 'platform.phase': 4 })
  const ended = incidents.lastWords()
  await asked.promise
  t.mock.timers.tick(10_000)
  await ended
})

/** A run that was two hours ago, and how it ended. */
const runBefore = (isStopped: boolean) => (directory: string) => {
  let at = Date.now() - 7_200_000
  const clock: RecorderClock = { boot: '', wallNow: () => at, upNow: () => at }
  const [platform, watcher] = (['platform', 'watcher'] as const).map(source =>
    openRecorder({ directory: join(directory, source), source, clock })
  )
  for (let second = 0; second < 30; second++) {
    at += 1_000
    platform!.sample({ 'memory.rss': 1e8 })
    watcher!.sample({ 'platform.phase': 1, 'platform.silent': 200 })
  }
  if (isStopped) watcher!.occurrence('signal', { subject: 'SIGTERM' })
  for (const recorder of [platform!, watcher!]) recorder.close()
}

test('an outage of the machine is an incident of the next watcher, however long it was, and a stop is none', t => {
  const { incidents } = following(t, async () => undefined, runBefore(false))
  assert.equal(incidents.incidents.open?.cause.rule, 'both-ended')
  assert.ok(Date.now() - incidents.incidents.open.since > 7_000_000)
  assert.equal(following(t, async () => undefined, runBefore(true)).incidents.incidents.open, undefined)
  assert.equal(following(t, async () => undefined).incidents.incidents.open, undefined)
})
