import { performance } from 'node:perf_hooks'
import type { Subject } from './library.ts'
import { fails, type Trial, times, works } from './trial.ts'

const FEW = 1_000
const LOTS = 1_000_000
const BREAKERS = 10_000

export const growth: Trial = {
  title: `a failure costs the same with ${LOTS.toLocaleString('en')} samples as with ${FEW.toLocaleString('en')}; no timers, and nothing left after the end`,
  measures: true,
  async run(bench) {
    const { clock, make, check } = bench
    const breaker = { minimumCalls: 20, openMs: 5_000 }
    const few = make({ breaker })
    await times(few, FEW, works)
    const lots = make({ breaker })
    await times(lots, LOTS, works)
    const ratio = (await failureNs(lots)) / (await failureNs(few))
    check(ratio <= 3, `a failure costs ${ratio.toFixed(0)} times as much`)
    few.dispose()
    lots.dispose()

    const before = clock.pending
    const many = Array.from({ length: BREAKERS }, () => make({ breaker }))
    await Promise.all(many.map(subject => times(subject, 1, works)))
    const grown = clock.pending - before
    check(grown <= 1, `${grown.toLocaleString('en')} timers for ${BREAKERS.toLocaleString('en')} breakers`)
    for (const subject of many) subject.dispose()
    await end(bench)
  }
}

/** The median of a few, in nanoseconds of real time. */
async function failureNs(subject: Subject): Promise<number> {
  const took: number[] = []
  for (let i = 0; i < 51; i++) {
    const startedAt = performance.now()
    for (let n = 0; n < 3; n++) await subject.run(fails).catch(() => {})
    took.push(((performance.now() - startedAt) / 3) * 1e6)
  }
  return took.sort((a, b) => a - b)[25]!
}

async function end({ clock, make, check }: Parameters<Trial['run']>[0]): Promise<void> {
  const before = clock.pending
  const subject = make({
    breaker: { minimumCalls: 20, openMs: 5_000 },
    healthCheck: () => Promise.reject(new Error('ill'))
  })
  await times(subject, 30, fails)
  subject.dispose()
  const state = subject.state()
  check(clock.pending === before, `${clock.pending - before} timer left after the end`)
  await clock.flow(1_000)
  const soon = subject.state()
  check(soon === state, `turns from ${state} to ${soon} after the end`)
  await clock.flow(60_000)
  const later = subject.state()
  check(later === soon || later === 'half-open', `turns from ${soon} to ${later} after the end`)
}
