import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { entryKey } from '@plimsoll/eventlog'
import fc from 'fast-check'
import { type Enrichment, unknown } from '../enrichment/enrichment.ts'
import { limits } from '../limits.ts'
import { type Found, type Plan, planBatch } from './plan.ts'
import { type SessionState, summarise } from './session-state.ts'
import type { ValidEvent } from './validate.ts'
import type { SessionPut, Work } from './work.ts'

const minute = 60_000
const pro: Enrichment = { state: 'known', tier: 'pro', region: 'eu', flags: { beta: true } }
const nothing: Found = { digests: new Map(), sessions: new Map() }

const event = (over: Partial<ValidEvent> = {}): ValidEvent => ({
  id: 'e1',
  type: 'session.start',
  time: 1_000,
  userId: 'ann',
  sessionId: 's1',
  data: null,
  digest: '1',
  enrichment: unknown,
  ...over
})
const events = (list: ValidEvent[], over: Partial<Extract<Work, { kind: 'events' }>> = {}): Work => ({
  kind: 'events',
  project: 'shop',
  minute: 0,
  events: list,
  rejected: 0,
  ...over
})
const put = (over: Partial<SessionPut> = {}, logId = 'l1'): Extract<Work, { kind: 'put' }> => ({
  kind: 'put',
  project: 'shop',
  minute: 0,
  sessionId: 's1',
  put: { at: 5_000, ...over },
  logId
})
const remove = (logId = 'd1'): Work => ({
  kind: 'delete',
  project: 'shop',
  minute: 0,
  sessionId: 's1',
  at: 9_000,
  logId
})
const enrich = (userId = 'ann', enrichment = pro): Work => ({
  kind: 'enrich',
  project: 'shop',
  sessionId: 's1',
  userId,
  enrichment,
  at: 7_000,
  logId: 'n1'
})

/** What the store holds after a plan was written to it. */
function written(found: Found, plan: Plan): Found {
  const digests = new Map(found.digests)
  for (const entry of plan.entries) digests.set(entryKey(entry.tenant, entry.id), entry.digest)
  const sessions = new Map(found.sessions)
  for (const [key, { state }] of plan.sessions) sessions.set(key, state)
  return { digests, sessions }
}
const after = (...work: Work[]): Found => written(nothing, planBatch(work, nothing))
const outcomesOf = (plan: Plan, index = 0) => {
  const outcome = plan.outcomes[index]!
  assert.ok(outcome.kind === 'events')
  return outcome.outcomes
}
const ledgerOf = (plan: Plan) => [...plan.ledger.values()].map(({ project, row }) => ({ project, ...row }))
const sessionOf = (plan: Plan, id = 's1') => plan.sessions.get(entryKey('shop', id))?.state

describe('events in a batch', () => {
  it('are appended and folded into their session', () => {
    const plan = planBatch([events([event(), event({ id: 'e2', type: 'session.end', time: 4_000 })])], nothing)
    assert.deepEqual(outcomesOf(plan), ['accepted', 'accepted'])
    assert.deepEqual(
      plan.entries.map(e => [e.tenant, e.id, e.stream, e.subject, e.change]),
      [
        ['shop', 'e1', 's1', 'ann', '[null,[1000,1000,1,"unknown","unknown","unknown","ann"]]'],
        [
          'shop',
          'e2',
          's1',
          'ann',
          '[[1000,1000,1,"unknown","unknown","unknown","ann"],[1000,4000,0,"unknown","unknown","unknown","ann"]]'
        ]
      ]
    )
    assert.equal(plan.sessions.size, 1, 'one row to write, however many events')
    assert.equal(plan.sessions.get(entryKey('shop', 's1'))!.isNew, true)
    assert.equal(sessionOf(plan)!.events, 2)
  })

  it('are duplicates of what is in the log and change nothing', () => {
    const plan = planBatch([events([event()])], after(events([event()])))
    assert.deepEqual(outcomesOf(plan), ['duplicate'])
    assert.deepEqual([plan.entries.length, plan.sessions.size], [0, 0])
    assert.deepEqual(ledgerOf(plan), [
      { project: 'shop', received: 1, accepted: 0, duplicate: 1, rejected: 0, quarantined: 0 }
    ])
  })

  it('are duplicates of one another, in one request and in two', () => {
    const plan = planBatch([events([event(), event()]), events([event()])], nothing)
    assert.deepEqual(outcomesOf(plan), ['accepted', 'duplicate'])
    assert.deepEqual(outcomesOf(plan, 1), ['duplicate'])
    assert.equal(plan.entries.length, 1)
  })

  it('are refused where they would give a session more visits than it may have, and taken where they join one', () => {
    const hour = 60 * minute
    const visits = Array.from({ length: limits.visits * 2 }, (_, i) => Math.floor(i / 2) * hour)
    const [whole] = [...after(events([event({ time: 0 })])).sessions.values()]
    const full = { ...whole!, visits, lastAt: visits.at(-1)! }
    const found = { digests: new Map(), sessions: new Map([[entryKey('shop', 's1'), full]]) }
    const more = event({ id: 'e2', time: full.lastAt + hour })
    const joining = event({ id: 'e3', time: full.lastAt + 10 * minute })
    const plan = planBatch([events([more, joining])], found)
    assert.deepEqual(outcomesOf(plan), ['overfull', 'accepted'])
    assert.deepEqual(ledgerOf(plan), [
      { project: 'shop', received: 2, accepted: 1, duplicate: 0, rejected: 1, quarantined: 0 }
    ])
    assert.equal(sessionOf(plan)!.visits!.length, visits.length)
  })

  it('conflict with another body under their id, in the log or in the batch, and count as rejected', () => {
    const other = event({ digest: '2', sessionId: 's2' })
    for (const plan of [
      planBatch([events([other])], after(events([event()]))),
      planBatch([events([event(), other])], nothing)
    ]) {
      assert.equal(outcomesOf(plan).at(-1), 'conflict')
      assert.equal(ledgerOf(plan)[0]!.rejected, 1)
      assert.equal(sessionOf(plan, 's2'), undefined, 'its session is not made')
    }
  })

  it('of two projects share nothing, whatever ids they have in common', () => {
    const plan = planBatch([events([event()]), events([event({ digest: '2' })], { project: 'blog' })], nothing)
    assert.deepEqual([outcomesOf(plan), outcomesOf(plan, 1)], [['accepted'], ['accepted']])
    assert.equal(plan.sessions.size, 2)
    assert.deepEqual(
      ledgerOf(plan).map(row => [row.project, row.accepted]),
      [
        ['shop', 1],
        ['blog', 1]
      ]
    )
  })

  it('of a deleted session are counted and leave it deleted', () => {
    const plan = planBatch([events([event({ id: 'e2' })])], after(events([event()]), remove()))
    assert.deepEqual(outcomesOf(plan), ['accepted'])
    assert.equal(plan.entries[0]!.change, null)
    assert.equal(sessionOf(plan)!.deletedAt, 9_000)
  })

  it('of a deleted session are refused when it was to be the answer', () => {
    const found = after(events([event()]), remove())
    const plan = planBatch([events([event({ id: 'e2' })], { answeredAt: 9_500 })], found)
    assert.deepEqual(plan.outcomes, [{ kind: 'events', outcomes: ['deleted'] }])
    assert.deepEqual([plan.entries, plan.answers, plan.sessions.size], [[], [], 0])
    assert.deepEqual(
      ledgerOf(plan).map(row => [row.received, row.accepted, row.rejected]),
      [[1, 0, 1]]
    )
  })

  it('that were refused before count too, also when no other came with them', () => {
    const plan = planBatch([events([], { rejected: 3 }), events([event()], { rejected: 1, minute })], nothing)
    assert.deepEqual(
      [...plan.ledger.values()].map(l => [l.minute, l.row.received, l.row.rejected]),
      [
        [0, 3, 3],
        [minute, 2, 1]
      ]
    )
  })

  it('keep their first answer when they are asked to, and only the first', () => {
    const plan = planBatch(
      [events([event()], { answeredAt: 1_000 }), events([event()], { answeredAt: 1_000 })],
      nothing
    )
    assert.deepEqual(
      plan.answers.map(a => [a.project, a.id, JSON.parse(a.answer).enrichment]),
      [['shop', 'e1', 'unknown']]
    )
    assert.deepEqual(planBatch([events([event()])], nothing).answers, [])
  })
})

describe('a put', () => {
  it('makes a session, and a second one changes nothing', () => {
    const work = put({ userId: 'ann', startedAt: 1_000, endedAt: 3_000, enrichment: pro })
    const plan = planBatch([work, { ...work, logId: 'l2' }], nothing)
    assert.deepEqual(
      plan.outcomes.map(o => o.kind === 'put' && o.changed),
      [true, false]
    )
    assert.deepEqual(
      plan.entries.map(e => [e.id, e.type, e.change]),
      [['l1', 'session.put', '[null,[1000,3000,0,"pro","eu","known","ann"]]']]
    )
    assert.deepEqual(ledgerOf(plan), [
      { project: 'shop', received: 2, accepted: 1, duplicate: 1, rejected: 0, quarantined: 0 }
    ])
    const again = planBatch([put({ ...work.put, at: 99_000 }, 'l3')], after(work))
    assert.equal(again.entries.length, 0, 'also later')
  })

  it('leaves what it does not name', () => {
    const found = after(events([event({ enrichment: pro })]))
    const plan = planBatch([put({ endedAt: 8_000 })], found)
    assert.deepEqual(sessionOf(plan), {
      ...found.sessions.get(entryKey('shop', 's1'))!,
      lastAt: 8_000,
      endedAt: 8_000
    })
  })

  it('needs a user for a session that is new or deleted', () => {
    for (const found of [nothing, after(events([event()]), remove())]) {
      const plan = planBatch([put({ startedAt: 1_000 })], found)
      assert.deepEqual(plan.outcomes, [{ kind: 'put-refused', code: 'user_required' }])
      assert.equal(plan.entries.length, 0)
      assert.equal(ledgerOf(plan)[0]!.rejected, 1)
    }
  })

  it('is refused when the session would end before it began', () => {
    const refused = [{ kind: 'put-refused', code: 'ends_before_start' }]
    assert.deepEqual(planBatch([put({ userId: 'ann', startedAt: 2_000, endedAt: 1_999 })], nothing).outcomes, refused)
    assert.deepEqual(planBatch([put({ endedAt: 999 })], after(events([event()]))).outcomes, refused)
    const ended = after(events([event({ type: 'session.end' })]))
    assert.deepEqual(planBatch([put({ startedAt: 1_001 })], ended).outcomes, refused)
    assert.equal(planBatch([put({ endedAt: 1_000 })], after(events([event()]))).outcomes[0]!.kind, 'put')
  })

  it('gives the session to another user without the tier of the one before', () => {
    const plan = planBatch([put({ userId: 'bob' })], after(events([event({ enrichment: pro })])))
    assert.deepEqual([sessionOf(plan)!.userId, sessionOf(plan)!.enrichment], ['bob', unknown])
  })

  it('brings a deleted session back, as new', () => {
    const found = after(events([event({ enrichment: pro })]), remove())
    const plan = planBatch([put({ userId: 'bob' })], found)
    assert.deepEqual(plan.sessions.get(entryKey('shop', 's1')), {
      project: 'shop',
      id: 's1',
      isNew: false,
      state: {
        userId: 'bob',
        startedAt: 5_000,
        lastAt: 5_000,
        endedAt: null,
        enrichment: unknown,
        events: 0,
        deletedAt: null,
        visits: null
      }
    })
    assert.match(plan.entries[0]!.change!, /^\[null,/)
  })
})

describe('a delete', () => {
  it('takes the session out of every count, once', () => {
    const plan = planBatch([remove(), remove('d2')], after(events([event()])))
    assert.deepEqual(
      plan.entries.map(e => [e.id, e.type, e.change]),
      [['d1', 'session.delete', '[[1000,1000,1,"unknown","unknown","unknown","ann"],null]']]
    )
    assert.deepEqual(plan.outcomes, [
      { kind: 'delete', existed: true },
      { kind: 'delete', existed: true }
    ])
    assert.deepEqual(ledgerOf(plan)[0], {
      project: 'shop',
      received: 2,
      accepted: 1,
      duplicate: 1,
      rejected: 0,
      quarantined: 0
    })
  })

  it('says when there never was one', () => {
    const plan = planBatch([remove()], nothing)
    assert.deepEqual(plan.outcomes, [{ kind: 'delete', existed: false }])
    assert.equal(plan.entries.length, 0)
  })
})

describe('a late enrichment', () => {
  it('restates an unknown session and leaves the ledger alone', () => {
    const plan = planBatch([enrich()], after(events([event()])))
    assert.deepEqual(
      plan.entries.map(e => [e.type, e.time, e.change]),
      [
        [
          'session.enriched',
          7_000,
          '[[1000,1000,1,"unknown","unknown","unknown","ann"],[1000,1000,1,"pro","eu","known","ann"]]'
        ]
      ]
    )
    assert.equal(plan.ledger.size, 0)
  })

  it('comes too late for a session that is known, deleted, another user’s or not there', () => {
    const refused = [
      after(events([event({ enrichment: { state: 'absent' } })])),
      after(events([event()]), remove()),
      after(events([event({ userId: 'bob' })])),
      nothing
    ]
    for (const found of refused) {
      const plan = planBatch([enrich()], found)
      assert.deepEqual([plan.outcomes, plan.entries, plan.sessions.size], [[{ kind: 'done' }], [], 0])
    }
  })
})

describe('refused requests', () => {
  it('are summed by project and code, outside the ledger', () => {
    const refused = (project: string, code: string, count: number): Work => ({ kind: 'refused', project, code, count })
    const plan = planBatch(
      [refused('a', 'x', 1), refused('a', 'x', 2), refused('b', 'x', 4), refused('a', 'y', 8)],
      nothing
    )
    assert.deepEqual(
      [...plan.refused.values()].map(r => r.count),
      [3, 4, 8]
    )
    assert.equal(plan.ledger.size, 0)
  })
})

describe('any mix of work', () => {
  const project = fc.constantFrom('shop', 'blog')
  const sessionId = fc.constantFrom('s1', 's2')
  const userId = fc.constantFrom('ann', 'bob')
  const time = fc.integer({ min: 0, max: 200_000 })
  const enrichment = fc.constantFrom<Enrichment>(unknown, pro, { state: 'absent' })
  const minuteOfWork = fc.constantFrom(0, minute)
  const oneEvent = fc.record<ValidEvent>({
    id: fc.constantFrom('e1', 'e2', 'e3', 'e4'),
    type: fc.constantFrom('session.start', 'session.end', 'feature.used'),
    time,
    userId,
    sessionId,
    data: fc.constant(null),
    digest: fc.constantFrom('1', '2'),
    enrichment
  })
  const logId = fc.uuid()
  const work: fc.Arbitrary<Work> = fc.oneof(
    {
      weight: 3,
      arbitrary: fc.record({
        kind: fc.constant('events' as const),
        project,
        minute: minuteOfWork,
        events: fc.array(oneEvent, { maxLength: 4 }),
        rejected: fc.nat(3)
      })
    },
    fc.record({
      kind: fc.constant('put' as const),
      project,
      minute: minuteOfWork,
      sessionId,
      logId,
      put: fc.record(
        { at: time, userId, startedAt: time, endedAt: fc.option(time), enrichment },
        { requiredKeys: ['at'] }
      )
    }),
    fc.record({ kind: fc.constant('delete' as const), project, minute: minuteOfWork, sessionId, at: time, logId }),
    fc.record({ kind: fc.constant('enrich' as const), project, sessionId, userId, enrichment, at: time, logId })
  )
  const mix = fc.array(work, { maxLength: 12 })
  const summary = (state: SessionState | undefined) => JSON.stringify(summarise(state)[0] ?? null)

  it('keeps the books: each row adds up, and accepted is what was appended', () => {
    fc.assert(
      fc.property(mix, list => {
        const plan = planBatch(list, nothing)
        let accepted = 0
        for (const { row } of plan.ledger.values()) {
          assert.equal(row.received, row.accepted + row.duplicate + row.rejected + row.quarantined)
          accepted += row.accepted
        }
        assert.equal(plan.entries.filter(e => e.type !== 'session.enriched').length, accepted)
        const sent = list.map(w => (w.kind === 'events' ? w.events.length + w.rejected : w.kind === 'enrich' ? 0 : 1))
        const received = [...plan.ledger.values()].reduce((sum, { row }) => sum + row.received, 0)
        assert.equal(
          received,
          sent.reduce((a, b) => a + b, 0)
        )
        assert.equal(new Set(plan.entries.map(e => entryKey(e.tenant, e.id))).size, plan.entries.length)
      }),
      { numRuns: 1_000 }
    )
  })

  it('makes a chain of changes: each begins where the one before it ended, the last at the session that is written', () => {
    fc.assert(
      fc.property(mix, list => {
        const plan = planBatch(list, nothing)
        const ends = new Map<string, string>()
        for (const { tenant, stream, change } of plan.entries) {
          if (change === null) continue
          const key = entryKey(tenant, stream!)
          const [from, to] = JSON.parse(change) as unknown[]
          assert.equal(JSON.stringify(from), ends.get(key) ?? 'null')
          ends.set(key, JSON.stringify(to))
        }
        for (const [key, { state }] of plan.sessions) assert.equal(ends.get(key) ?? 'null', summary(state))
      }),
      { numRuns: 1_000 }
    )
  })

  it('comes to the same in one batch as in two, wherever it is cut', () => {
    fc.assert(
      fc.property(mix, fc.nat(12), (list, cut) => {
        const whole = planBatch(list, nothing)
        const first = planBatch(list.slice(0, cut), nothing)
        const second = planBatch(list.slice(cut), written(nothing, first))
        assert.deepEqual([...first.outcomes, ...second.outcomes], whole.outcomes)
        assert.deepEqual([...first.entries, ...second.entries], whole.entries)
        assert.deepEqual(written(written(nothing, first), second), written(nothing, whole))
      }),
      { numRuns: 1_000 }
    )
  })

  it('is planned from what was found without changing it, so that it can be planned again', () => {
    fc.assert(
      fc.property(mix, mix, (before, list) => {
        const found = after(...before)
        const kept = structuredClone(found)
        assert.deepEqual(planBatch(list, found), planBatch(list, found))
        assert.deepEqual(found, kept)
      })
    )
  })
})
