import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { absent, type Enrichment, unknown } from '../enrichment/enrichment.ts'
import { foldSession, isOpen, type SessionFact, type SessionState, summarise } from './session-state.ts'

const known = (tier: string): Enrichment => ({ state: 'known', tier, region: 'eu', flags: {} })
const directory: Record<string, Enrichment> = { ann: known('pro'), bob: known('free'), cat: absent }

const fold = (facts: readonly SessionFact[], from?: SessionState) =>
  facts.reduce<SessionState | undefined>(foldSession, from)!
const fact = (type: string, time: number, userId = 'ann', enrichment = unknown): SessionFact => ({
  type,
  time,
  userId,
  enrichment
})

const anyFact = (enriched: fc.Arbitrary<boolean>) =>
  fc
    .record({
      type: fc.constantFrom('session.start', 'session.heartbeat', 'session.end', 'feature.used'),
      // Few times and few users, so that ties come up.
      time: fc.integer({ min: 1, max: 6 }),
      userId: fc.constantFrom('ann', 'bob', 'cat'),
      enriched
    })
    .map(f => fact(f.type, f.time, f.userId, f.enriched ? directory[f.userId]! : unknown))

const shuffled = (enriched: fc.Arbitrary<boolean>) =>
  fc
    .array(anyFact(enriched), { minLength: 1, maxLength: 8 })
    .chain(facts => fc.tuple(fc.constant(facts), fc.shuffledSubarray(facts, { minLength: facts.length })))

describe('a session', () => {
  it('lasts from its earliest event to its latest, and is open until it ends', () => {
    const started = fold([fact('session.start', 5)])
    assert.deepEqual(started, {
      userId: 'ann',
      startedAt: 5,
      lastAt: 5,
      endedAt: null,
      enrichment: unknown,
      events: 1,
      deletedAt: null
    })
    assert.equal(isOpen(started), true)
    const ended = fold([fact('feature.used', 2), fact('session.end', 9)], started)
    assert.deepEqual([ended.startedAt, ended.lastAt, ended.endedAt, ended.events], [2, 9, 9, 3])
    assert.equal(isOpen(ended), false)
  })

  it('is open again when something happened after its end', () => {
    const state = fold([fact('session.end', 9), fact('session.heartbeat', 10)])
    assert.equal(isOpen(state), true)
    assert.equal(isOpen(fold([fact('session.heartbeat', 8)], fold([fact('session.end', 9)]))), false)
  })

  it('belongs to the user of its earliest event, and has what is known of that user alone', () => {
    const state = fold([fact('session.start', 1, 'ann', unknown), fact('feature.used', 2, 'bob', known('free'))])
    assert.equal(state.userId, 'ann')
    assert.deepEqual(state.enrichment, unknown, 'the tier of another user is no guess at this one')
    const later = fold([fact('feature.used', 3, 'ann', known('pro'))], state)
    assert.deepEqual(later.enrichment, known('pro'))
    const earlier = fold([fact('session.start', 0, 'bob', unknown)], later)
    assert.deepEqual([earlier.userId, earlier.enrichment], ['bob', unknown])
  })

  it('is the same whatever the order in which its events arrive', () => {
    fc.assert(
      fc.property(shuffled(fc.constant(true)), ([facts, other]) => assert.deepEqual(fold(other), fold(facts))),
      { numRuns: 1_000 }
    )
  })

  it('is the same but for what could not be asked in time: then it is known, or still to be asked', () => {
    fc.assert(
      fc.property(shuffled(fc.boolean()), ([facts, other]) => {
        const [a, b] = [fold(facts), fold(other)]
        assert.deepEqual({ ...a, enrichment: unknown }, { ...b, enrichment: unknown })
        for (const { userId, enrichment } of [a, b]) {
          if (enrichment.state !== 'unknown') assert.deepEqual(enrichment, directory[userId])
        }
      }),
      { numRuns: 1_000 }
    )
  })

  it('stays deleted, whatever arrives afterwards', () => {
    fc.assert(
      fc.property(shuffled(fc.boolean()), ([facts]) => {
        const deleted = { ...fold([fact('session.start', 3)]), deletedAt: 4 }
        assert.deepEqual(fold(facts, deleted), deleted)
        assert.equal(summarise(fold(facts, deleted)), null)
      })
    )
  })

  it('is summed up in what a read model counts by', () => {
    assert.equal(summarise(undefined), null)
    const state = fold([fact('session.start', 1, 'ann', known('pro')), fact('session.end', 7)])
    assert.deepEqual(summarise(state), [1, 7, 0, 'pro', 'eu', 'known', 'ann'])
    assert.deepEqual(summarise({ ...state, enrichment: absent })!.slice(2, 6), [0, 'none', 'none', 'absent'])
    assert.deepEqual(summarise({ ...state, enrichment: unknown })!.slice(2, 6), [0, 'unknown', 'unknown', 'unknown'])
  })
})
