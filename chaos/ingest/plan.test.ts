import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { type Delivery, planner, resplit, uuidv7 } from './plan.ts'
import { seededRandom } from './random.ts'

const now = Date.parse('2026-01-02T03:04:05.678Z')
const take = (next: ReturnType<typeof planner>, count: number, offsetMs = 0): Delivery[] =>
  Array.from({ length: count }, (_, i) => next(now + i, offsetMs))
const idsOf = (deliveries: Delivery[]) =>
  deliveries.flatMap(d => (d.kind === 'events' ? d.events.map(e => e.id) : [d.key]))

describe('plan', () => {
  it('is the same for the same seed, client and clock, and another for another', () => {
    assert.deepEqual(take(planner(1, 'a'), 50), take(planner(1, 'a'), 50))
    assert.notDeepEqual(take(planner(1, 'a'), 50), take(planner(1, 'b'), 50))
    assert.notDeepEqual(take(planner(1, 'a'), 50), take(planner(2, 'a'), 50))
  })

  it('has no id twice, over clients and lives', () => {
    const ids = ['a', 'a/1', 'b'].flatMap(client => idsOf(take(planner(1, client), 400)))
    assert.equal(new Set(ids).size, ids.length)
  })

  it('has ids of version 7 that say the time of the client’s clock', () => {
    const id = uuidv7(now, seededRandom(1))
    assert.match(id, /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
    assert.equal(Number.parseInt(id.replaceAll('-', '').slice(0, 12), 16), now)
  })

  it('mixes single events, batches and sessions of their own; or events alone when asked', () => {
    const sizes = take(planner(1, 'a'), 300).map(d => (d.kind === 'events' ? d.events.length : 0))
    assert.ok(sizes.includes(0) && sizes.includes(1) && Math.max(...sizes) > 10)
    assert.ok(take(planner(1, 'a', { eventsOnly: true }), 300).every(({ kind }) => kind === 'events'))
  })

  it('makes times by a clock that is off, and then leaves the time of a session request to the server', () => {
    for (const delivery of take(planner(1, 'a'), 200, 7_200_000)) {
      if (delivery.kind === 'session') assert.equal(delivery.body.startedAt, undefined)
      else for (const { time } of delivery.events) assert.ok(Date.parse(time) >= now + 7_200_000)
    }
  })

  it('sends again in any order and parts, and each event once', () => {
    fc.assert(
      fc.property(fc.nat(), fc.uniqueArray(fc.nat(), { minLength: 1, maxLength: 40 }), (seed, events) => {
        const parts = resplit(seededRandom(seed), events)
        assert.ok(parts.length <= 3 && parts.every(part => part.length > 0))
        assert.deepEqual(parts.flat().toSorted(), events.toSorted())
      })
    )
  })
})
