import assert from 'node:assert/strict'
import { test } from 'node:test'
import { diagnose } from '../diagnosis/diagnose.ts'
import { Tape, type Values } from './tape.ts'

/** Hours of healthy and uneven load: made by seeded numbers, so that a false alarm can be seen again. */

function randomNumbers(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let t = Math.imul(state ^ (state >>> 15), state | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296
  }
}

/** What a load, as a share of what can be taken, does to all that is measured. */
function measured(load: number, random: () => number, heap: { used: number }): Record<string, number> {
  const about = (value: number) => value * (0.8 + 0.4 * random())
  const rarely = (share: number, then: number) => (random() < share ? then : 0)
  heap.used += 4e6 + 30e6 * load * random()
  const collected = heap.used > 260e6
  if (collected) heap.used = 90e6 + 20e6 * random()
  const slowCommit = rarely(0.01, 150 + 250 * random())
  return {
    'cpu.process': about(0.1 + 1.2 * load),
    'cpu.machine': Math.min(1, about(0.1 + 0.8 * load)),
    'memory.heap': heap.used,
    'memory.rss': 330e6 + heap.used,
    'loop.delay.p99': about(11 + 30 * load) + rarely(0.02, 60),
    'loop.delay.max': about(14 + 60 * load) + (collected ? 90 : 0) + rarely(0.003, 500),
    'files.open': about(60 + 300 * load),
    'http.requests': Math.round(about(900 * load)),
    'http.refused': rarely(0.01, Math.round(90 * load)),
    'http.failed': rarely(0.002, 1),
    'http.denied': rarely(0.02, 2),
    'http.running': Math.round(about(40 * load)),
    'ingest.accepted': Math.round(about(9_000 * load)),
    'ingest.duplicate': rarely(0.1, Math.round(400 * load)),
    'ingest.busiest': 0.3 + 0.5 * random() * load + rarely(0.05, 0.15),
    'store.primary.commit': about(4 + 30 * load) + slowCommit,
    'store.primary.waiting': Math.round(about(20 * load * load)),
    'store.primary.in-use': Math.round(about(1 + 6 * load)),
    'store.primary.held': about(5 + 60 * load) + slowCommit + rarely(0.005, 1_500),
    'store.read.commit': about(8 + 60 * load) + rarely(0.02, 400),
    'store.read.held': about(10 + 100 * load) + rarely(0.01, 2_500),
    'dependency.metadata.calls': Math.round(about(200 * load)),
    'dependency.metadata.failed': rarely(0.01, 1),
    'dependency.metadata.timed-out': rarely(0.01, 1),
    'dependency.metadata.p50': about(5),
    'dependency.metadata.p99': about(12 + 20 * load) + rarely(0.02, 120),
    'subscriber.analytics.lag.time': about(150 + 900 * load) + rarely(0.02, 2_000),
    'subscriber.analytics.lag': Math.round(about(3_000 * load)),
    'subscriber.analytics.rate': Math.round(about(9_000 * load)),
    'subscriber.analytics.failures': rarely(0.003, 1),
    'disk.free': 19e9 - 2e8 * random(),
    'clock.jump': about(2) - 2
  }
}

type Hour = (second: number, random: () => number) => { load: number; over?: Record<string, number> }

const hours: Record<string, Hour> = {
  'bursts of ten times the load': (second, random) => ({
    load: second % 47 < 2 + 6 * random() ? 0.8 : 0.08 + 0.02 * random()
  }),
  'a night that falls and a morning': second => ({ load: 0.4 + 0.38 * Math.cos((second / 3_600) * 2 * Math.PI) }),
  'a quiet night with a request now and then': (_, random) => ({ load: random() < 0.05 ? 0.02 : 0.001 }),
  'an import in the middle of it': second => ({
    load: second > 900 && second < 2_000 ? 0.97 : 0.2,
    over:
      second > 900 && second < 2_000
        ? { 'subscriber.analytics.lag.time': 3_000 + 3_000 * Math.sin(second / 60), 'ingest.busiest': 0.98 }
        : {}
  }),
  'the same import again, all of it known': second => ({
    load: second > 900 && second < 1_500 ? 0.6 : 0.2,
    over: second > 900 && second < 1_500 ? { 'ingest.accepted': 20, 'ingest.duplicate': 5_000, 'http.running': 8 } : {}
  }),
  'a rebuild that reads all': second => ({
    load: 0.3,
    over:
      second > 600 && second < 1_800
        ? {
            'cpu.machine': 0.97,
            'cpu.process': 1.8,
            'store.read.commit': 1_400,
            'store.read.held': 1_400,
            'subscriber.analytics.lag.time': second < 660 ? 12_000 : Math.max(200, 12_000 - (second - 660) * 40),
            'subscriber.analytics.rate': 20_000
          }
        : {}
  })
}

/** `why` every so many seconds. */
const everySeconds = 53

for (const [name, hour] of Object.entries(hours)) {
  test(`no cause in an hour of ${name}`, () => {
    const random = randomNumbers(name.length * 7_919)
    const heap = { used: 90e6 }
    const values: Values = second => {
      const { load, over } = hour(second, random)
      return { ...measured(load, random, heap), ...over }
    }
    const tape = new Tape().seconds(3_600, values)
    judgeAll(tape)
  })
}

test('no cause in a restart that was asked for', () => {
  const tape = new Tape().seconds(120).happens('signal', { which: 'SIGTERM' })
  tape.happens('close', { why: 'SIGTERM' }).seconds(2, { 'store.primary.up': 0 }, { 'platform.phase': 3 })
  tape.happens('exit', { code: 0, signal: null, uptime: 120_000 }, undefined, 'watcher')
  tape.silence(4, { 'platform.phase': 0, 'platform.silent': 4_000 })
  tape.happens('start', { pid: 2 }).happens('ready', { after: 3_000 })
  tape.seconds(10, { 'store.primary.commit': 40, 'dependency.metadata.p99': 70, 'loop.delay.max': 400 }).seconds(60)
  judgeAll(tape, 1)
})

function judgeAll(tape: Tape, every = everySeconds): void {
  const start = tape.records[0]!.at
  for (let at = start + 15_000; at <= tape.at; at += every * 1_000) {
    const window = tape.records.filter(record => record.at <= at && record.at > at - 661_000)
    const { causes } = diagnose(window, { at })
    assert.deepEqual(
      causes.map(({ rule, evidence }) => `${(at - start) / 1_000} s: ${rule}, ${evidence.map(({ text }) => text)}`),
      []
    )
  }
}
