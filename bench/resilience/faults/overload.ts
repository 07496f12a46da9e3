import type { ManualClock, Priority } from '@plimsoll/resilience'
import { seededRandom } from './random.ts'
import { type Trial, watch } from './trial.ts'

const WORKERS = 20
const SERVICE_MS = 50
const TIMEOUT_MS = 1_000
const WARM_SECONDS = 5
const SECONDS = 20
const PER_SECOND = (WORKERS / SERVICE_MS) * 1_000
/** Three times what the server can do, a fifth of its capacity being critical. */
const LOAD: Record<Priority, number> = { critical: 0.2, normal: 1.96, sheddable: 0.84 }

export const overload: Trial = {
  title: 'three times the load: goodput of 90 % of capacity, and the critical calls stay fast',
  needs: ['adaptiveLimit', 'priority'],
  async run({ clock, make, check }) {
    const random = seededRandom(1)
    const serve = server(clock, () => SERVICE_MS * (0.9 + random() * 0.2))
    const subject = make({ adaptiveLimit: true, timeoutMs: TIMEOUT_MS })
    let ok = 0
    const critical: number[] = []
    const arrive = (priority: Priority) => {
      const at = clock.now()
      const answered = () => {
        if (clock.now() < WARM_SECONDS * 1_000) return
        ok++
        if (priority === 'critical') critical.push(clock.now() - at)
      }
      watch(clock, subject.run(serve, { priority }).then(answered))
    }
    for (const [priority, load] of Object.entries(LOAD) as [Priority, number][]) {
      const next = () => {
        if (clock.now() > (WARM_SECONDS + SECONDS) * 1_000) return
        arrive(priority)
        clock.setTimer(next, (-Math.log(1 - random()) / (PER_SECOND * load)) * 1_000)
      }
      next()
    }
    await clock.flow((WARM_SECONDS + SECONDS) * 1_000)
    const goodput = ok / (PER_SECOND * SECONDS)
    check(goodput >= 0.9, `goodput is ${(goodput * 100).toFixed(0)} % of capacity`)
    const p99 = critical.sort((a, b) => a - b)[Math.floor(critical.length * 0.99)] ?? Infinity
    check(p99 <= 3 * SERVICE_MS, `the p99 of critical calls is ${p99.toFixed(0)} ms where a call takes ${SERVICE_MS}`)
    await clock.flow(5_000)
  }
}

/** A server of so many workers with a queue without end: what comes when all are busy waits, whoever has given it up. */
function server(clock: ManualClock, serviceMs: () => number): () => Promise<void> {
  const queue: (() => void)[] = []
  let busy = 0
  const work = () => {
    while (busy < WORKERS) {
      const done = queue.shift()
      if (done === undefined) return
      busy++
      clock.setTimer(() => {
        busy--
        done()
        work()
      }, serviceMs())
    }
  }
  return () =>
    new Promise(resolve => {
      queue.push(resolve)
      work()
    })
}
