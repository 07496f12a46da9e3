import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { breaker } from './breaker/breaker.ts'
import { bulkhead } from './bulkhead/bulkhead.ts'
import { fallback } from './fallback.ts'
import { type ManualClock, manualClock } from './manual-clock.ts'
import { policy } from './policy.ts'
import { timeout } from './timeout.ts'

const WORKERS = 25
const SECONDS = 20

/** Sessions that the workers store in 20 s, each of which asks a metadata API that answers after `metadataMs`. */
async function throughput(
  clock: ManualClock,
  ask: (fetchTier: () => Promise<string>) => Promise<string>,
  metadataMs: number
) {
  const wait = (ms: number) => new Promise<void>(resolve => clock.setTimer(resolve, ms))
  const end = clock.now() + SECONDS * 1_000
  let stored = 0
  const worker = async () => {
    while (clock.now() < end) {
      await ask(() => wait(metadataMs).then(() => 'pro'))
      await wait(5)
      if (clock.now() <= end) stored++
    }
  }
  const workers = Promise.all(Array.from({ length: WORKERS }, worker))
  await clock.flow(SECONDS * 1_000 + metadataMs + 1_000)
  await workers
  return stored
}

describe('the metadata API goes from 5 ms to 800 ms under a crowd of workers', () => {
  it('and with the policy the sessions still come in at 95 % of the healthy rate', async () => {
    const run = async (metadataMs: number) => {
      const clock = manualClock()
      const parts = [
        fallback('unknown'),
        breaker.preset.slowDependency(),
        bulkhead({ concurrency: WORKERS, queue: 0 }),
        timeout(250)
      ] as const
      const p = policy('metadata', parts, { clock })
      return throughput(clock, fetchTier => p.run(fetchTier), metadataMs)
    }
    const [healthy, slow] = [await run(5), await run(800)]
    assert.ok(slow >= 0.95 * healthy, `${slow} of ${healthy}`)
  })

  it('and without it they wait for every answer', async () => {
    const bare = (metadataMs: number) => throughput(manualClock(), fetchTier => fetchTier(), metadataMs)
    const [healthy, slow] = [await bare(5), await bare(800)]
    assert.ok(slow < 0.02 * healthy, `${slow} of ${healthy}`)
  })
})
