import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { manualClock } from '../manual-clock.ts'
import { PRIORITIES, type Priority } from '../priority.ts'
import { concurrencyLimiter } from './limiter.ts'
import { poisson, SimulatedServer, seededRandom } from './simulated-server.ts'

const WORKERS = 20
const SERVICE_MS = 50
const TIMEOUT_MS = 1_000

/** Calls of three classes at `load` times what the server can do, a fifth of its capacity being critical. */
interface World {
  load: number
  limited: boolean
  spread: 'even' | 'exponential'
  initialLimit?: number
}

function world(seed: number, { load, limited, spread, initialLimit = 20 }: World) {
  const clock = manualClock()
  const random = seededRandom(seed)
  const limiter = concurrencyLimiter(
    limited ? { initialLimit } : { initialLimit: 1_000_000, minLimit: 1_000_000, maxLimit: 1_000_000 },
    {
      clock,
      random
    }
  )
  const state = { meanMs: SERVICE_MS }
  const server = new SimulatedServer(clock, WORKERS, () =>
    spread === 'even' ? state.meanMs * (0.9 + random() * 0.2) : -Math.log(1 - random()) * state.meanMs
  )
  const counts = () => ({ ok: 0, refused: 0, latencies: [] as number[] })
  let classes = Object.fromEntries(PRIORITIES.map(name => [name, counts()])) as Record<
    Priority,
    ReturnType<typeof counts>
  >

  const arrive = (priority: Priority) => {
    const permit = limiter.acquire(priority)
    if (permit === null) {
      classes[priority].refused++
      return
    }
    const at = clock.now()
    const timer = clock.setTimer(() => permit.release('dropped'), TIMEOUT_MS)
    server.serve(() => {
      clock.clearTimer(timer)
      if (!permit.release('ok')) return
      classes[priority].ok++
      classes[priority].latencies.push(clock.now() - at)
    })
  }
  const perSecond = (WORKERS / SERVICE_MS) * 1_000
  const share = { critical: 0.2, normal: (load - 0.2) * 0.7, sheddable: (load - 0.2) * 0.3 }
  for (const name of PRIORITIES)
    poisson(
      clock,
      random,
      () => perSecond * share[name],
      120_000,
      () => arrive(name)
    )

  /** What came of the next seconds, as shares of what the server can do at its best. */
  const run = (seconds: number) => {
    classes = Object.fromEntries(PRIORITIES.map(name => [name, counts()])) as typeof classes
    let [limits, ticks] = [0, 0]
    for (let t = 0; t < seconds * 10; t++) {
      clock.advance(100)
      limits += limiter.snapshot().limit
      ticks++
    }
    const capacity = ((WORKERS * seconds) / state.meanMs) * 1_000
    const { critical } = classes
    const p99 = critical.latencies.toSorted((a, b) => a - b)[Math.floor(critical.latencies.length * 0.99)] ?? Infinity
    return {
      goodput: PRIORITIES.reduce((sum, name) => sum + classes[name].ok, 0) / capacity,
      criticalP99: p99 / state.meanMs,
      criticalRefused: critical.refused / (critical.ok + critical.refused),
      limit: limits / ticks / WORKERS,
      classes
    }
  }
  return { clock, limiter, server, state, run }
}

describe('three times more than a server can do', () => {
  it('drowns it without a limit: it works on what nobody waits for any more', () => {
    const { run } = world(1, { load: 3, limited: false, spread: 'even' })
    run(10)
    assert.ok(run(10).goodput < 0.01)
  })

  for (const seed of [1, 2, 3]) {
    it(`keeps it at its best with one, and the critical calls fast (seed ${seed})`, () => {
      const { run } = world(seed, { load: 3, limited: true, spread: 'even' })
      assert.ok(run(5).goodput > 0.8)
      const { goodput, criticalP99, criticalRefused, limit, classes } = run(40)
      assert.ok(goodput > 0.95, `goodput ${goodput}`)
      assert.ok(criticalP99 < 2.2, `p99 ${criticalP99} times the service time`)
      assert.ok(criticalRefused < 0.01, `${criticalRefused} of the critical calls refused`)
      assert.ok(limit > 1 && limit < 2, `a limit of ${limit} times the workers`)
      assert.ok(classes.sheddable.ok < classes.normal.ok / 20, 'sheddable calls go first')
    })

    it(`keeps it at its best when calls take very different times (seed ${seed})`, () => {
      const { run } = world(seed, { load: 3, limited: true, spread: 'exponential' })
      run(5)
      const { goodput, limit } = run(40)
      assert.ok(goodput > 0.9, `goodput ${goodput}`)
      assert.ok(limit > 1 && limit < 2.5, `a limit of ${limit} times the workers`)
    })

    it(`follows when the server gets three times slower, and when it is fast again (seed ${seed})`, () => {
      const { state, run } = world(seed, { load: 3, limited: true, spread: 'even' })
      run(10)
      state.meanMs = SERVICE_MS * 3
      assert.ok(run(5).goodput > 0.75)
      const slow = run(20)
      assert.ok(slow.goodput > 0.9, `goodput ${slow.goodput}`)
      assert.ok(slow.limit > 1 && slow.limit < 2, `a limit of ${slow.limit} times the workers`)
      state.meanMs = SERVICE_MS
      run(5)
      const fast = run(20)
      assert.ok(fast.goodput > 0.95, `goodput ${fast.goodput}`)
      assert.ok(fast.limit > 1 && fast.limit < 2, `a limit of ${fast.limit} times the workers`)
      assert.ok(fast.criticalP99 < 2.2, `p99 ${fast.criticalP99} times the service time`)
    })
  }

  it('finds the latency at rest when it began with far too much, and every call it knew had to queue', () => {
    const { limiter, run } = world(1, { load: 3, limited: true, spread: 'even', initialLimit: 8 * WORKERS })
    run(5)
    const { limit, goodput } = run(20)
    const { latencyAtRestMs } = limiter.snapshot()
    assert.ok(limit < 2 && goodput > 0.95, `a limit of ${limit} times the workers, goodput ${goodput}`)
    assert.ok(Math.abs(latencyAtRestMs - SERVICE_MS) < 10, `${latencyAtRestMs} ms at rest`)
  })

  it('follows when the server loses half of its workers', () => {
    const { server, run } = world(1, { load: 3, limited: true, spread: 'even' })
    run(10)
    server.workers = WORKERS / 2
    run(5)
    const half = run(20)
    assert.ok(half.goodput > 0.47 && half.criticalP99 < 2.5, `goodput ${half.goodput}, p99 ${half.criticalP99}`)
    assert.ok(half.limit < 1, `a limit of ${half.limit} times the workers there were`)
  })
})

describe('half of what a server can do', () => {
  it('is let in whole', () => {
    const { run } = world(1, { load: 0.5, limited: true, spread: 'exponential' })
    run(5)
    const { goodput, criticalP99, classes } = run(20)
    assert.ok(goodput > 0.47 && criticalP99 < 6, `goodput ${goodput}, p99 ${criticalP99}`)
    assert.ok(classes.normal.refused + classes.critical.refused < 10)
  })
})
