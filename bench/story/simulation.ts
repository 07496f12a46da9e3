import { breaker, bulkhead, fallback, type ManualClock, manualClock, policy, timeout } from '@plimsoll/resilience'

/** The story's numbers, in milliseconds and pieces. */
export const story = {
  workers: 200,
  connections: 20,
  /** Of the workers, how many may wait for metadata at once, with the policies. */
  askingAtOnce: 64,
  healthyMs: 5,
  slowMs: 800,
  /** What the store takes for one session, one dashboard question, one `select 1`. */
  storeMs: 2,
  /** Of the work that waits, one piece in so many is a question of the dashboard. */
  dashboardEvery: 20,
  secondsHealthy: 4,
  secondsSlow: 12,
  secondsAfter: 4
} as const

/** What was done in each second. */
export interface Curves {
  sessions: number[]
  dashboard: number[]
  /** How long the `select 1` of each second took; of those that never ended, as long as they had waited. */
  healthMs: number[]
}

const seconds = story.secondsHealthy + story.secondsSlow + story.secondsAfter

/** A pool: first come, first served. */
class Pool {
  #free: number
  readonly #waiting: (() => void)[] = []

  constructor(size: number) {
    this.#free = size
  }

  take(): Promise<void> | undefined {
    if (this.#free > 0) {
      this.#free--
      return undefined
    }
    return new Promise(resolve => this.#waiting.push(resolve))
  }

  give(): void {
    const next = this.#waiting.shift()
    if (next) next()
    else this.#free++
  }
}

/**
 * The night on a clock that is moved by hand: two hundred workers with more to do than they can, sessions for the most
 * part and questions of the dashboard. Without policies a session takes a connection and keeps it while it asks for the
 * user's plan. With them it asks first, through the policy, and dashboard and health have connections of their own.
 */
export async function playStory(withPolicies: boolean): Promise<Curves> {
  const clock = manualClock()
  const wait = (ms: number) => new Promise<void>(resolve => clock.setTimer(resolve, ms))
  const isSlow = () => {
    const second = clock.now() / 1_000
    return second >= story.secondsHealthy && second < story.secondsHealthy + story.secondsSlow
  }
  const askMetadata = () => wait(isSlow() ? story.slowMs : story.healthyMs).then(() => 'pro')
  const guard = policy(
    'metadata',
    [
      fallback('unknown'),
      breaker.preset.slowDependency(),
      // Until the breaker has seen enough, no more of the workers wait than this.
      bulkhead({ concurrency: story.askingAtOnce, queue: 0 }),
      timeout(250)
    ],
    { clock }
  )
  const writes = new Pool(story.connections)
  const reads = withPolicies ? new Pool(story.connections) : writes
  const use = async (pool: Pool, work: () => Promise<unknown>) => {
    await pool.take()
    await work()
    pool.give()
  }
  const store = () => wait(story.storeMs)
  const session = withPolicies
    ? () => guard.run(askMetadata).then(() => use(writes, store))
    : () => use(writes, () => askMetadata().then(store))

  const curves: Curves = { sessions: zeros(), dashboard: zeros(), healthMs: zeros() }
  const count = (curve: number[]) => {
    const second = Math.floor(clock.now() / 1_000)
    if (second < seconds) curve[second]!++
  }
  let taken = 0
  const worker = async () => {
    while (clock.now() < seconds * 1_000) {
      if (++taken % story.dashboardEvery === 0) {
        await use(reads, store)
        count(curves.dashboard)
      } else {
        await session()
        count(curves.sessions)
      }
    }
  }
  const health = async (second: number) => {
    const begun = clock.now()
    curves.healthMs[second] = seconds * 1_000 - begun
    await use(reads, store)
    curves.healthMs[second] = Math.min(curves.healthMs[second]!, clock.now() - begun)
  }
  for (let n = 0; n < story.workers; n++) void worker()
  await play(clock, health)
  return curves
}

async function play(clock: ManualClock, health: (second: number) => Promise<void>): Promise<void> {
  for (let second = 0; second < seconds; second++) {
    await clock.flow(500)
    void health(second)
    await clock.flow(500)
  }
}

const zeros = () => new Array<number>(seconds).fill(0)

/** Mean a second over the phase, without its first second, which is of what went before. */
export function meanOf(curve: readonly number[], phase: 'healthy' | 'slow'): number {
  const from = phase === 'healthy' ? 1 : story.secondsHealthy + 1
  const to = phase === 'healthy' ? story.secondsHealthy : story.secondsHealthy + story.secondsSlow
  const part = curve.slice(from, to)
  return part.reduce((sum, n) => sum + n, 0) / part.length
}
