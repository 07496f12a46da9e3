import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { fallback } from './fallback.ts'
import { policy } from './policy.ts'

const setUp = () => {
  const p = policy('p', [fallback(0)])
  const happen = (n: number) => p.run(() => Promise.reject(n))
  return { p, happen }
}

describe('the events of a policy', () => {
  it('come one after another, those from before one read and those one waits for', async () => {
    const { p, happen } = setUp()
    const events = p.events()
    await happen(1)
    await happen(2)
    const seen: unknown[] = []
    const reading = (async () => {
      for await (const event of events) {
        assert.equal(event.type, 'fallback')
        seen.push(event.error)
        if (seen.length === 4) break
      }
    })()
    await happen(3)
    await happen(4)
    await happen(5)
    await reading
    assert.deepEqual(seen, [1, 2, 3, 4])
    assert.deepEqual(await events.next(), { done: true, value: undefined })
  })

  it('are kept up to a number for who does not read: the oldest go, and are counted', async () => {
    const { p, happen } = setUp()
    const events = p.events({ max: 3 })
    for (let i = 1; i <= 10; i++) await happen(i)
    assert.equal(events.dropped, 7)
    const left = [await events.next(), await events.next(), await events.next()]
    assert.deepEqual(
      left.map(({ value }) => value?.type === 'fallback' && value.error),
      [8, 9, 10]
    )
    await happen(11)
    assert.equal((await events.next()).done, false)
    assert.equal(events.dropped, 7)
  })

  it('end by `return`, also for who waits, and the policy forgets about them', async () => {
    const { p, happen } = setUp()
    const events = p.events()
    const waits = [events.next(), events.next()]
    await events.return()
    assert.ok((await Promise.all(waits)).every(({ done }) => done))
    await happen(1)
    assert.deepEqual(await events.next(), { done: true, value: undefined })
    const ended = p.events()
    {
      await using _ = ended
    }
    assert.equal((await ended.next()).done, true)
  })

  it('end by a signal, after what had come before it', async () => {
    const { p, happen } = setUp()
    const { signal, abort } = (() => {
      const controller = new AbortController()
      return { signal: controller.signal, abort: () => controller.abort() }
    })()
    const events = p.events({ signal })
    await happen(1)
    abort()
    await happen(2)
    const seen: unknown[] = []
    for await (const event of events) seen.push(event.type)
    assert.deepEqual(seen, ['fallback'])
    assert.equal((await p.events({ signal: AbortSignal.abort() }).next()).done, true)
  })

  it('have room for at least one', () => {
    assert.throws(() => setUp().p.events({ max: 0 }), RangeError)
  })
})
