import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { manualClock } from '../manual-clock.ts'
import { policy } from '../policy.ts'
import { PRIORITIES, rankOf } from '../priority.ts'
import { bulkhead } from './bulkhead.ts'

interface Caller {
  id: number
  rank: number
  key: string | undefined
  due: number
}

/** The bulkhead as one would tell it: two lists, and every rule looked up anew. */
class Model {
  readonly limits: { concurrency: number; queue: number; perKey: { concurrency: number; queue: number } | null }
  running: Caller[] = []
  waiting: Caller[] = []
  readonly said: string[] = []

  constructor(limits: Model['limits']) {
    this.limits = limits
  }

  come(caller: Caller): void {
    const { queue, perKey } = this.limits
    if (this.#mayRun(caller)) {
      this.#begin(caller)
      return
    }
    const ofKey = this.waiting.filter(({ key }) => key === caller.key)
    const keyFull = perKey !== null && caller.key !== undefined && ofKey.length >= perKey.queue
    if (keyFull || this.waiting.length >= queue) {
      const lower = (keyFull ? ofKey : this.waiting).filter(({ rank }) => rank > caller.rank)
      const victim = lower.toSorted((a, b) => b.rank - a.rank || b.id - a.id)[0] ?? caller
      this.leave(victim.id)
      this.said.push(`${victim.id} refused`)
      if (victim === caller) return
    }
    this.waiting.push(caller)
  }

  end(id: number): void {
    this.running = this.running.filter(caller => caller.id !== id)
    for (;;) {
      const next = this.waiting.filter(c => this.#mayRun(c)).toSorted((a, b) => a.rank - b.rank || a.id - b.id)[0]
      if (next === undefined) return
      this.leave(next.id)
      this.#begin(next)
    }
  }

  leave(id: number): void {
    this.waiting = this.waiting.filter(caller => caller.id !== id)
  }

  timePasses(now: number): void {
    for (const { id, due } of this.waiting) {
      if (due > now) continue
      this.leave(id)
      this.said.push(`${id} refused`)
    }
  }

  #begin(caller: Caller): void {
    this.running.push(caller)
    this.said.push(`${caller.id} begun`)
  }

  #mayRun({ key }: Caller): boolean {
    const { concurrency, perKey } = this.limits
    const free = this.running.length < concurrency
    if (perKey === null || key === undefined) return free
    return free && this.running.filter(caller => caller.key === key).length < perKey.concurrency
  }
}

const step = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constant('come' as const),
      priority: fc.constantFrom(...PRIORITIES),
      key: fc.constantFrom(undefined, 'a', 'a', 'b', 'c')
    })
  },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('end' as const), which: fc.nat(1_000) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('abort' as const), which: fc.nat(1_000) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('wait' as const), ms: fc.nat(40) }) }
)

const limits = fc.record({
  concurrency: fc.constant(3),
  queue: fc.constantFrom(0, 1, 4),
  perKey: fc.constantFrom(null, { concurrency: 1, queue: 1 }, { concurrency: 2, queue: 2 })
})

describe('a bulkhead with priorities and keys, against its model', () => {
  it('begins, refuses and lets wait the same calls in the same order, and conserves its permits', async () => {
    const property = fc.asyncProperty(limits, fc.array(step, { maxLength: 60, size: 'max' }), async (made, steps) => {
      const clock = manualClock()
      const { perKey, ...rest } = made
      const p = policy('p', [bulkhead({ ...rest, queueTimeoutMs: 50, ...(perKey && { perKey }) })], { clock })
      const model = new Model(made)
      const said: string[] = []
      const gates = new Map<number, PromiseWithResolvers<void>>()
      const leave = new Map<number, AbortController>()

      for (const what of steps) {
        if (what.do === 'come') {
          const id = leave.size
          const caller = new AbortController()
          leave.set(id, caller)
          const gate = Promise.withResolvers<void>()
          const work = () => {
            said.push(`${id} begun`)
            gates.set(id, gate)
            return gate.promise
          }
          const { priority, key } = what
          p.outcome(work, { priority, key, signal: caller.signal }).then(
            ({ kind }) => kind === 'rejected' && said.push(`${id} refused`)
          )
          model.come({ id, rank: rankOf(priority), key, due: clock.now() + 50 })
        } else if (what.do === 'end' && gates.size > 0) {
          const id = [...gates.keys()][what.which % gates.size]!
          gates.get(id)!.resolve()
          gates.delete(id)
          model.end(id)
        } else if (what.do === 'abort' && leave.size > 0) {
          const id = what.which % leave.size
          leave.get(id)!.abort()
          model.leave(id)
        }
        await clock.flow(what.do === 'wait' ? what.ms : 0)
        model.timePasses(clock.now())
        assert.deepEqual(said.toSorted(), model.said.toSorted())
        assert.deepEqual(
          said.filter(line => line.endsWith('begun')),
          model.said.filter(line => line.endsWith('begun'))
        )
        const { running, queued } = p.snapshot().bulkhead!
        assert.deepEqual([running, queued], [model.running.length, model.waiting.length])
      }

      while (gates.size > 0) {
        for (const gate of gates.values()) gate.resolve()
        gates.clear()
        await clock.flow(0)
      }
      await clock.flow(100)
      const { running, queued, keys = 0 } = p.snapshot().bulkhead!
      assert.deepEqual([running, queued, keys, clock.pending], [0, 0, 0, 0])
    })
    await fc.assert(property, { numRuns: 300 })
  })
})
