import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { manualClock } from '@plimsoll/resilience'
import { Enricher, type EnricherOptions } from './enricher.ts'
import { absent, type Enrichment, unknown } from './enrichment.ts'

const known = (tier: string): Enrichment => ({ state: 'known', tier, region: 'eu', flags: {} })
const budget = 100

/** An enricher over a directory that a test can slow, break and count the questions of. */
function enricher(options: Partial<EnricherOptions> = {}) {
  const clock = manualClock()
  const api = {
    asked: [] as (readonly string[])[],
    tier: 'pro',
    fails: false,
    /** Of whom the API says what nobody can use. */
    spoilt: new Set<string>(),
    /** Milliseconds until the answer; 0 answers at once. */
    slow: 0
  }
  const load = async (ids: readonly string[]) => {
    api.asked.push(ids)
    const { tier, fails, slow } = api
    if (slow > 0) await new Promise<void>(resolve => clock.setTimer(resolve, slow))
    if (fails) throw new Error('the API is away')
    return new Map(ids.map(id => [id, api.spoilt.has(id) ? unknown : id === 'nobody' ? absent : known(tier)]))
  }
  const subject = new Enricher({ load, clock, ...options })
  const one = async (id: string) => (await subject.enrich([id], budget)).get(id)
  return { api, clock, subject, one }
}

describe('an enricher', () => {
  it('asks once and remembers the answer while it is fresh', async () => {
    const { api, clock, subject, one } = enricher({ freshMs: 1_000 })
    assert.equal(subject.peek('ann'), undefined)
    assert.deepEqual(await one('ann'), known('pro'))
    api.tier = 'free'
    clock.advance(999)
    assert.deepEqual([await one('ann'), subject.peek('ann')], [known('pro'), known('pro')])
    assert.equal(api.asked.length, 1)
    clock.advance(1)
    assert.equal(subject.peek('ann'), undefined)
    assert.deepEqual(await one('ann'), known('free'))
  })

  it('remembers that a user is absent as well as that one is known', async () => {
    const { api, subject, one } = enricher()
    assert.deepEqual(await one('nobody'), absent)
    assert.deepEqual(subject.peek('nobody'), absent)
    assert.equal(api.asked.length, 1)
  })

  it('serves what is stale when the API is away, for as long as that is allowed, and then says unknown', async () => {
    const { api, clock, subject, one } = enricher({ freshMs: 1_000, staleMs: 60_000 })
    await one('ann')
    api.fails = true
    clock.advance(59_999)
    assert.deepEqual(await one('ann'), known('pro'))
    assert.equal(subject.peek('ann'), undefined, 'stale is not fresh')
    clock.advance(1)
    assert.deepEqual(await one('ann'), unknown)
    assert.deepEqual(await one('bob'), unknown)
  })

  it('does not ask again for a second after a failure, and then does', async () => {
    const { api, clock, one } = enricher({ errorMs: 1_000 })
    api.fails = true
    assert.deepEqual(await one('ann'), unknown)
    clock.advance(999)
    assert.deepEqual(await one('ann'), unknown)
    assert.equal(api.asked.length, 1)
    api.fails = false
    clock.advance(1)
    assert.deepEqual(await one('ann'), known('pro'))
    assert.equal(api.asked.length, 2)
  })

  it('takes an unknown of one user as a failure of that user alone', async () => {
    const { api, clock, subject, one } = enricher({ freshMs: 10_000, errorMs: 1_000 })
    await one('ann')
    clock.advance(10_000)
    api.spoilt = new Set(['ann', 'bob'])
    const found = await subject.enrich(['ann', 'bob', 'cid'], budget)
    assert.deepEqual([...found.values()], [known('pro'), unknown, known('pro')], 'what was known of ann is still good')
    api.spoilt.clear()
    assert.deepEqual(await one('bob'), unknown)
    assert.equal(api.asked.length, 2)
    clock.advance(1_000)
    assert.deepEqual(await one('bob'), known('pro'))
  })

  it('asks for all who come in one turn of the event loop at once, each once', async () => {
    const { api, subject } = enricher()
    const [first, second] = await Promise.all([
      subject.enrich(['ann', 'bob', 'ann'], budget),
      subject.enrich(['bob', 'nobody'], budget)
    ])
    assert.deepEqual(api.asked, [['ann', 'bob', 'nobody']])
    assert.deepEqual([...first.keys()], ['ann', 'bob'])
    assert.deepEqual(second.get('nobody'), absent)
  })

  it('joins a question that is under way', async () => {
    const { api, clock, subject } = enricher()
    api.slow = 50
    const first = subject.enrich(['ann'], budget)
    await clock.flow(10)
    const second = subject.enrich(['ann', 'bob'], budget)
    await clock.flow(50)
    assert.deepEqual((await first).get('ann'), known('pro'))
    assert.deepEqual((await second).get('bob'), known('pro'))
    assert.deepEqual(api.asked, [['ann'], ['bob']])
  })

  it('asks for no more users at once than a request may hold', async () => {
    const { api, subject } = enricher({ batch: 2 })
    const found = await subject.enrich(['a', 'b', 'c', 'd', 'e'], budget)
    assert.deepEqual(api.asked, [['a', 'b'], ['c', 'd'], ['e']])
    assert.ok([...found.values()].every(enrichment => enrichment.state === 'known'))
  })

  it('answers within its budget: unknown or stale, and known once the late answer is there', async () => {
    const { api, clock, subject, one } = enricher({ freshMs: 1_000 })
    await one('old')
    clock.advance(1_000)
    Object.assign(api, { slow: 300, tier: 'free' })
    let answer: Map<string, Enrichment> | undefined
    const asking = subject.enrich(['old', 'new'], budget).then(found => {
      answer = found
    })
    await clock.flow(budget - 1)
    assert.equal(answer, undefined)
    await clock.flow(1)
    await asking
    assert.deepEqual([answer!.get('old'), answer!.get('new')], [known('pro'), unknown])
    await clock.flow(200)
    assert.deepEqual([subject.peek('old'), subject.peek('new')], [known('free'), known('free')])
    assert.equal(clock.pending, 0, 'no timer is left behind')
  })

  it('leaves no timer when the answer comes in time', async () => {
    const { clock, one } = enricher()
    await one('ann')
    assert.equal(clock.pending, 0)
  })

  it('says unknown for a user that the answer leaves out', async () => {
    const { subject } = enricher({ load: async () => new Map() })
    assert.deepEqual(await subject.enrich(['ann'], budget), new Map([['ann', unknown]]))
  })

  it('survives a load that throws before it begins', async () => {
    const { subject } = enricher({
      load: () => {
        throw new Error('no such host')
      }
    })
    assert.deepEqual((await subject.enrich(['ann'], budget)).get('ann'), unknown)
  })

  it('remembers a bounded number of users; the first to be loaded go first', async () => {
    const { subject } = enricher({ capacity: 3 })
    for (const id of ['a', 'b', 'c', 'd', 'e']) await subject.enrich([id], budget)
    assert.deepEqual(
      ['a', 'b', 'c', 'd', 'e'].filter(id => subject.peek(id)),
      ['c', 'd', 'e']
    )
  })

  it('remembers a bounded number of failures', async () => {
    const { api, subject } = enricher({ capacity: 3 })
    api.fails = true
    for (const id of ['a', 'b', 'c', 'd']) await subject.enrich([id], budget)
    api.asked = []
    for (const id of ['d', 'c', 'b']) await subject.enrich([id], budget)
    assert.deepEqual(api.asked, [])
    await subject.enrich(['a'], budget)
    assert.deepEqual(api.asked, [['a']], 'the oldest failure was forgotten, so it is asked for again')
  })
})
