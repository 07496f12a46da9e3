import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { absent, type Enrichment, unknown } from '../enrichment/enrichment.ts'
import {
  changeOf,
  foldSession,
  isOpen,
  overAt,
  type SessionFact,
  type SessionState,
  summarise,
  visitsOf
} from './session-state.ts'
import { visitAt, visitGapMs } from './visits.ts'

const minute = 60_000

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
      // Few times and few users, so that ties come up; some of them more than a gap apart.
      time: fc.oneof(
        fc.integer({ min: 1, max: 6 }),
        fc.nat(12).map(n => n * 10 * minute)
      ),
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
      deletedAt: null,
      visits: null
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
        assert.deepEqual(summarise(fold(facts, deleted)), [])
      })
    )
  })

  it('is over when it was said to end, and else by silence, from its last activity on', () => {
    const state = fold([fact('session.start', 0), fact('session.heartbeat', minute)])
    assert.equal(overAt(state, 31 * minute), null)
    assert.equal(overAt(state, 31 * minute + 1), minute)
    assert.equal(
      overAt(fold([fact('session.heartbeat', 5 * minute)], state), 31 * minute + 1),
      null,
      'a late one reopens'
    )
    assert.equal(overAt(fold([fact('session.end', 2 * minute)], state), 2 * minute), 2 * minute)
  })

  it('is one visit until nothing is heard of it for 30 minutes, and a late event joins two', () => {
    const first = fold([fact('session.start', 0), fact('feature.used', 30 * minute)])
    assert.equal(first.visits, null)
    const second = fold([fact('feature.used', 61 * minute)], first)
    assert.deepEqual(visitsOf(second), [0, 30 * minute, 61 * minute, 61 * minute])
    assert.deepEqual(visitsOf(fold([fact('session.heartbeat', 45 * minute)], second)), [0, 61 * minute])
  })

  it('has the visits of the definition: sort the times, and begin anew after each gap', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(60), { minLength: 1, maxLength: 30 }), tens => {
        const times = tens.map(n => n * 10 * minute)
        const sorted = times.toSorted((a, b) => a - b)
        const starts = sorted.filter((time, i) => i === 0 || time - sorted[i - 1]! > visitGapMs)
        const visits = visitsOf(fold(times.map(time => fact('feature.used', time))))
        assert.deepEqual(
          visits.filter((_, i) => i % 2 === 0),
          starts
        )
        assert.ok(times.every(time => starts[visitAt(visits, time)]! <= time))
      })
    )
  })

  it('is summed up, visit by visit, in what a read model counts by', () => {
    assert.deepEqual(summarise(undefined), [])
    const state = fold([fact('session.start', 1, 'ann', known('pro')), fact('session.end', 7)])
    assert.deepEqual(summarise(state), [[1, 7, 0, 'pro', 'eu', 'known', 'ann']])
    assert.deepEqual(summarise({ ...state, enrichment: absent })[0]!.slice(2, 6), [0, 'none', 'none', 'absent'])
    assert.deepEqual(summarise({ ...state, enrichment: unknown })[0]!.slice(2, 6), [0, 'unknown', 'unknown', 'unknown'])
    const again = fold([fact('session.heartbeat', 90 * minute, 'ann', known('pro'))], state)
    assert.deepEqual(summarise(again), [
      [1, 7, 0, 'pro', 'eu', 'known', 'ann'],
      [90 * minute, 90 * minute, 1, 'pro', 'eu', 'known', 'ann']
    ])
  })

  it('tells of many visits only those that changed, and those of its entry', () => {
    const told = (before: SessionState, time: number) =>
      JSON.parse(changeOf(before, fold([fact('feature.used', time)], before), time)!) as unknown[][]
    const state = fold([0, 60, 120, 180].map(n => fact('feature.used', n * minute)))
    const visit = (from: number, to: number, open = 0) => [
      from * minute,
      to * minute,
      open,
      'unknown',
      'unknown',
      'unknown',
      'ann'
    ]
    assert.deepEqual(told(state, 70 * minute), [visit(60, 60), visit(60, 70)])
    assert.deepEqual(told(state, 60 * minute), [visit(60, 60), visit(60, 60)], 'nothing changed: the one it lies in')
    assert.deepEqual(told(state, 90 * minute), [[visit(60, 60), visit(120, 120)], visit(60, 120)])
    assert.deepEqual(told(state, 240 * minute), [visit(180, 180, 1), [visit(180, 180), visit(240, 240, 1)]])
  })

  it('is told in changes that add up to its visits, in any order of its events', () => {
    fc.assert(
      fc.property(shuffled(fc.boolean()), ([facts]) => {
        const left = new Map<string, number>()
        let state: SessionState | undefined
        for (const one of facts) {
          const next = foldSession(state, one)
          const [was, is] = JSON.parse(changeOf(state, next, one.time)!) as unknown[][]
          for (const visit of visitsTold(was)) left.set(visit, (left.get(visit) ?? 0) - 1)
          for (const visit of visitsTold(is)) left.set(visit, (left.get(visit) ?? 0) + 1)
          state = next
        }
        const counted = [...left].filter(([, n]) => n !== 0)
        assert.deepEqual(
          counted.sort(),
          summarise(state)
            .map(visit => [JSON.stringify(visit), 1])
            .sort()
        )
      }),
      { numRuns: 1_000 }
    )
  })
})

function visitsTold(told: unknown): string[] {
  if (told === null) return []
  const visits = told as unknown[]
  return Array.isArray(visits[0]) ? visits.map(visit => JSON.stringify(visit)) : [JSON.stringify(visits)]
}
