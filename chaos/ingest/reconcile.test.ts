import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { type Delivery, planner } from './plan.ts'
import { expect, type Found, reconcile } from './reconcile.ts'

const deliveries: Delivery[] = []
const next = planner(3, 'a')
for (let i = 0; i < 60; i++) deliveries.push(next(1_000_000 + i, 0))
const expected = expect(deliveries)

/** A platform that has everything, once. */
function whole(): Found & { ids: Map<string, number>; sessions: Map<string, number>; features: Map<string, number> } {
  const ids = new Map([...expected.ids].map(id => [id, 1]))
  const requests = expected.entries - expected.ids.size
  for (let n = 0; n < requests; n++) ids.set(`made-by-the-server-${n}`, 1)
  return {
    ids,
    sessions: new Map(expected.sessions),
    visits: new Map([...expected.sessions.keys()].map(session => [session, 1])),
    features: new Map(expected.features),
    entries: expected.entries,
    dashboard: { sessions: expected.sessions.size, users: expected.users.size }
  }
}

const [anId] = expected.ids
const [aSession] = expected.sessions.keys()
const [aFeature] = expected.features.keys()

describe('reconcile', () => {
  it('finds no difference where there is none', () => {
    assert.deepEqual(reconcile(expected, whole()), {
      lost: 0,
      doubled: 0,
      wrongSessions: 0,
      wrongFeatures: 0,
      wrongTotals: 0,
      differences: []
    })
  })

  it('says an event that is not there', () => {
    const found = whole()
    found.ids.delete(anId!)
    const { lost, doubled, differences } = reconcile(expected, found)
    assert.deepEqual([lost, doubled, differences], [1, 0, [`event ${anId} is in the log 0 times`]])
  })

  it('says an event that is there twice', () => {
    const found = whole()
    found.ids.set(anId!, 2)
    assert.equal(reconcile(expected, found).doubled, 1)
  })

  it('says an entry that nobody sent, and a session request that is missing', () => {
    const more = whole()
    more.ids.set('nobody', 1)
    assert.equal(reconcile(expected, more).doubled, 1)
    const fewer = whole()
    fewer.ids.delete('made-by-the-server-0')
    assert.equal(reconcile(expected, fewer).lost, 1)
  })

  it('says a session, a feature and a total that are off, though the log is right', () => {
    const found = whole()
    found.sessions.set(aSession!, 99)
    found.sessions.set('of nobody', 1)
    found.features.set(aFeature!, 0)
    found.dashboard.users--
    const { lost, doubled, wrongSessions, wrongFeatures, wrongTotals } = reconcile(expected, found)
    assert.deepEqual([lost, doubled, wrongSessions, wrongFeatures, wrongTotals], [0, 0, 2, 1, 1])
  })

  it('takes a session that was silent for more than half an hour for two visits, whatever the clients’ clocks said', () => {
    const user = { id: 'ann' }
    const session = { id: 's' }
    const events = (madeAt: number, offsetMs: number): Delivery => ({
      kind: 'events',
      offsetMs,
      madeAt,
      events: [{ id: `at-${madeAt}`, type: 'session.heartbeat', time: 'of a wrong clock', user, session }]
    })
    const sent = expect([events(0, 0), events(1_800_000, 50 * 3_600_000), events(3_600_001, 0)])
    const found = {
      ids: new Map([...sent.ids].map(id => [id, 1])),
      sessions: new Map([['s', 3]]),
      visits: new Map([['s', 2]]),
      features: new Map(),
      entries: 3,
      dashboard: { sessions: 2, users: 1 }
    }
    assert.deepEqual(reconcile(sent, found).differences, [])
    const wrong = reconcile(sent, { ...found, visits: new Map([['s', 1]]) })
    assert.deepEqual([wrong.wrongSessions, wrong.wrongTotals], [1, 0])
  })
})
