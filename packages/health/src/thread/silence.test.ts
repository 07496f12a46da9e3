import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SilenceWatch } from './silence.ts'

/** Looks every 200 ms from one time to another. */
function awakeFrom(watch: SilenceWatch, from: number, to: number) {
  for (let now = from; now <= to; now += 200) watch.awake(now)
}

test('silence is the time since the last beat', () => {
  const watch = new SilenceWatch(1_000, 0)
  awakeFrom(watch, 0, 5_000)
  assert.equal(watch.silentMs(1_500, 5_100), 3_600)
  assert.equal(watch.silentMs(5_150, 5_100), 0)
})

test('after the whole process stood still, silence counts from its waking', () => {
  const watch = new SilenceWatch(1_000, 0)
  awakeFrom(watch, 0, 4_000)
  assert.equal(watch.silentMs(3_900, 64_000), 0, 'a request may be the first to notice')
  awakeFrom(watch, 64_100, 65_000)
  assert.equal(watch.silentMs(3_900, 65_000), 1_000)
  assert.equal(watch.silentMs(64_900, 65_000), 100)
})

test('a pause that is shorter is no excuse', () => {
  const watch = new SilenceWatch(1_000, 0)
  watch.awake(999)
  watch.awake(1_998)
  assert.equal(watch.silentMs(0, 2_500), 2_500)
})

test('a thread that was started again counts from its own beginning', () => {
  const watch = new SilenceWatch(1_000, 10_000)
  assert.equal(watch.silentMs(2_000, 10_500), 500)
})
