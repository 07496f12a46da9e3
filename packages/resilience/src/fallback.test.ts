import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { fallback } from './fallback.ts'
import { manualClock } from './manual-clock.ts'
import { type Policy, policy } from './policy.ts'
import { timeout } from './timeout.ts'

const down = () => Promise.reject(new Error('down'))

describe('a fallback', () => {
  it('answers with its value, and the type of the answer grows by it', async () => {
    const p: Policy<'unknown'> = policy('p', [fallback('unknown')])
    const answer: number | 'unknown' = await p.run(() => Promise.reject<number>(new Error('down')))
    assert.equal(answer, 'unknown')
    assert.deepEqual(await p.outcome(down), { kind: 'ok', value: 'unknown', source: 'fallback', ageMs: 0 })
  })

  it('is told the error (in cockatiel it is not), and may take its time', async () => {
    const told = (error: unknown) => Promise.resolve(`instead of ${(error as Error).message}`)
    assert.equal(await policy('p', [fallback(told)]).run(down), 'instead of down')
  })

  it('answers only for the errors it is for', async () => {
    const p = policy('p', [fallback(0, { when: error => error instanceof TypeError })])
    await assert.rejects(p.run(down), /down/)
    assert.equal(await p.run(() => Promise.reject(new TypeError('x'))), 0)
  })

  it('passes on what its own function throws', async () => {
    const fails = () => {
      throw new Error('worse')
    }
    await assert.rejects(policy('p', [fallback(fails)]).run(down), /worse/)
    await assert.rejects(policy('p', [fallback(() => Promise.reject(new Error('worse')))]).run(down), /worse/)
    await assert.rejects(policy('p', [fallback(1, { when: fails })]).run(down), /worse/)
  })

  it('does not answer a caller who has left', async () => {
    const p = policy('p', [fallback('unknown')])
    const caller = new AbortController()
    const call = p.run(() => new Promise(() => {}), { signal: caller.signal })
    caller.abort()
    await assert.rejects(call, { name: 'AbortError' })
    await assert.rejects(p.run(down, { signal: caller.signal }), { name: 'AbortError' })
    assert.equal(p.snapshot().fallbacks, 0)
  })

  it('is itself limited by a timeout around it, and answers for one inside of it', async () => {
    const clock = manualClock()
    const around = policy('p', [timeout(100), fallback(() => new Promise<never>(() => {}))], { clock })
    const inside = policy('p', [fallback('late'), timeout(100)], { clock })
    const answers = [
      assert.rejects(around.run(down), { timeoutMs: 100 }),
      inside.run(() => new Promise<never>(() => {})).then(value => assert.equal(value, 'late'))
    ]
    await clock.flow(100)
    await Promise.all(answers)
  })
})
