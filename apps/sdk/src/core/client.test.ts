import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { type ManualClock, manualClock } from '@plimsoll/resilience'
import fc from 'fast-check'
import { createClient } from './client.ts'
import { createIds } from './event-id.ts'
import type { Answer, Counts, Pace, Ports, PostOptions, Report, SessionRecord, Slot, Watchers } from './ports.ts'
import { queueStore } from './queue-store.ts'
import { type InitOptions, settingsOf } from './settings.ts'

const day = 86_400_000
const options: InitOptions = { endpoint: 'https://telemetry.example', key: 'plk_x', user: 'ann' }

type Turn = 'well' | 'lost-answer' | 'no-answer' | 'some-retry' | number

interface Sent {
  id: string
  type: string
  time: string
  user: { id: string }
  session: { id: string }
  data?: { feature: string; poison?: boolean; refused?: boolean }
}

/** The service as its contract has it: each event and each report once, by its id. */
class Service {
  accepted = new Map<string, string>()
  reports = new Map<string, Counts>()
  requests: { path: string; events: Sent[]; at: number; options: PostOptions }[] = []
  turn: Turn = 'well'
  retryAfterMs: number | undefined
  /** When it answers. */
  answers: Promise<void> = Promise.resolve()
  readonly #clock: ManualClock
  constructor(clock: ManualClock) {
    this.#clock = clock
  }

  post = async (path: string, body: string, options: PostOptions = {}): Promise<Answer> => {
    const events = path === '/v1/events' ? (JSON.parse(body) as Sent[]) : []
    this.requests.push({ path, events, at: this.#clock.wallNow(), options })
    const { turn } = this
    await this.answers
    if (turn === 'no-answer') throw new TypeError('no answer')
    if (typeof turn === 'number') return { status: turn, body: undefined, retryAfterMs: this.retryAfterMs }
    const answer = path === '/v1/events' ? this.#events(events, turn) : this.#losses(JSON.parse(body))
    if (turn === 'lost-answer') throw new TypeError('lost')
    return answer
  }

  #events(events: Sent[], turn: Turn): Answer {
    if (events.some(({ data }) => data?.poison))
      return { status: 400, body: { code: 'poison' }, retryAfterMs: undefined }
    const results = events.map((event, n) => {
      const { id, data } = event
      if (turn === 'some-retry' && n % 3 === 0) return { id, result: 'retry' }
      if (data?.refused) return { id, result: 'rejected', code: 'refused' }
      const body = JSON.stringify(event)
      assert.equal(this.accepted.get(id) ?? body, body, 'a resend is the same to the letter')
      const result = this.accepted.has(id) ? 'duplicate' : 'accepted'
      this.accepted.set(id, body)
      return { id, result }
    })
    return { status: 200, body: { results }, retryAfterMs: undefined }
  }

  #losses({ id, losses }: Report): Answer {
    assert.deepEqual(this.reports.get(id) ?? losses, losses)
    this.reports.set(id, losses)
    return { status: 200, body: { result: 'accepted' }, retryAfterMs: undefined }
  }

  get told(): number {
    return [...this.reports.values()].flatMap(losses => Object.values(losses)).reduce((sum, count) => sum + count, 0)
  }
}

function slot<T>(): Slot<T> {
  let value: T | undefined
  return {
    load: () => value,
    save(next) {
      value = next
    }
  }
}

function start(more: Partial<InitOptions> = {}, random = () => 0.5) {
  const clock = manualClock()
  const service = new Service(clock)
  const settings = settingsOf({ ...options, ...more })
  const now = clock.wallNow
  const store = queueStore({ limits: { events: settings.maxEvents, bytes: settings.maxBytes }, now })
  let watchers: Watchers | undefined
  const ports: Ports = {
    clock,
    random,
    newId: createIds(now),
    transport: service.post,
    store,
    stores: async () => [store],
    session: slot<SessionRecord>(),
    pace: slot<Pace>(),
    exclusive: work => work(),
    isVisible: () => true,
    watch(on) {
      watchers = on
      return () => undefined
    },
    tellConsent: () => undefined
  }
  const client = createClient(ports, settings)
  return { clock, service, client, store, ports, page: watchers! }
}

const lossesOf = (service: Service) => Object.assign({}, ...service.reports.values())

describe('the client', () => {
  it('whatever the network and the service do: recorded = accepted + told as lost, nothing twice', async () => {
    // 400 comes from what is in the batch, as the service does it. One that takes an event and then refuses its very
    // words would be told of a loss that is none.
    const turn = fc.constantFrom<Turn>('well', 'lost-answer', 'no-answer', 'some-retry', 429, 503, 401)
    const act = fc.record({
      turn,
      uses: fc.integer({ min: 0, max: 30 }),
      kind: fc.constantFrom('plain', 'poison', 'refused', 'cyclic', 'large'),
      waitMs: fc.integer({ min: 0, max: 400_000 }),
      hidden: fc.boolean()
    })
    await fc.assert(
      fc.asyncProperty(
        fc.array(act, { maxLength: 12 }),
        fc.infiniteStream(fc.double({ min: 0, max: 0.99, noNaN: true })),
        async (acts, dice) => {
          const { clock, service, client, page } = start(
            { maxEvents: 60, idleMs: 20 * day, heartbeatMs: 20 * day },
            () => dice.next().value
          )
          let recorded = 1
          for (const { turn, uses, kind, waitMs, hidden } of acts) {
            service.turn = turn
            for (let n = 0; n < uses; n++) {
              const odd: Record<string, unknown> = n === 0 ? { [kind]: true } : {}
              if (odd.cyclic) odd.self = odd
              if (odd.large) odd.text = 'x'.repeat(40_000)
              client.feature('search', odd)
              recorded++
            }
            if (hidden) page.hidden()
            await clock.flow(waitMs)
          }
          service.turn = 'well'
          for (let n = 0; n < 60; n++) await clock.flow(day / 48)
          assert.equal(await client.flush(), true)
          assert.equal(service.accepted.size + service.told, recorded)
          assert.deepEqual(await client.losses(), {})
        }
      ),
      { numRuns: 150 }
    )
  })

  it('gathers events for five seconds, and sends 500 at most', async () => {
    const { clock, service, client } = start()
    await clock.flow(0)
    for (let n = 0; n < 999; n++) client.feature('search')
    await clock.flow(4_999)
    assert.equal(service.accepted.size, 1)
    await clock.flow(1)
    assert.deepEqual(
      service.requests.map(({ events }) => events.length),
      [1, 500, 499]
    )
  })

  it('takes what comes in one turn as far as the queue has room, each before the call returns', async () => {
    const { clock, service, client, store } = start({ maxEvents: 3_000 })
    for (let n = 1; n < 3_000; n++) client.feature('search')
    assert.equal(store.books.events, 3_000)
    client.feature('search')
    await clock.flow(60_000)
    assert.equal(service.accepted.size, 3_000)
    assert.deepEqual(lossesOf(service), { queue_full: 1 })
  })

  it('holds no more than may wait for a store that does not answer', async () => {
    const mute = async (uses: number, size: number, limits: Partial<InitOptions>) => {
      const { client, store } = start({ user: '', ...limits })
      let held = 0
      const add = () => {
        held++
        return new Promise(() => undefined)
      }
      Object.assign(store, { add })
      client.session.start()
      for (let n = 0; n < uses; n++) client.feature('search', { text: 'x'.repeat(size) })
      const { queue_full: refused } = await client.losses()
      return { held, refused }
    }
    assert.deepEqual(await mute(20, 10, { maxEvents: 8 }), { held: 8, refused: 13 })
    assert.deepEqual(await mute(20, 10_000, { maxBytes: 50_000 }), { held: 5, refused: 16 })
  })

  it('finds one bad event among 500 in some twenty requests, and loses no other', async () => {
    const { clock, service, client } = start()
    await clock.flow(0)
    for (let n = 0; n < 499; n++) client.feature('search', n === 321 ? { poison: true } : {})
    service.requests = []
    for (let n = 0; n < 5; n++) await clock.flow(5_000)
    assert.equal(service.accepted.size, 499)
    assert.deepEqual(lossesOf(service), { 'rejected:poison': 1 })
    assert.ok(service.requests.length <= 22, `${service.requests.length} requests`)
  })

  it('does not empty its queue into something that refuses everything', async () => {
    const { clock, service, client } = start()
    service.turn = 400
    for (let n = 0; n < 200; n++) client.feature('search')
    await clock.flow(3_600_000)
    const losses = await client.losses()
    assert.ok((losses['rejected:400'] ?? 0) < 60, `${losses['rejected:400']} lost in an hour`)
  })

  it('keeps what a wrong key cannot send, and asks a few times an hour', async () => {
    const { clock, service, client } = start({ heartbeatMs: day })
    service.turn = 401
    client.feature('search')
    await clock.flow(3_600_000)
    assert.ok(service.requests.length <= 6, `${service.requests.length} requests`)
    service.turn = 'well'
    await clock.flow(3_600_000)
    assert.equal(service.accepted.size, 2)
  })

  it('waits as long as the server says, also when asked to flush or back online; not so after its own back-off', async () => {
    const { clock, service, client, page } = start()
    service.turn = 503
    service.retryAfterMs = 60_000
    await clock.flow(0)
    service.turn = 'well'
    page.online()
    assert.equal(await client.flush(), false)
    await clock.flow(59_999)
    assert.equal(service.requests.length, 1)
    await clock.flow(1_000)
    assert.equal(service.accepted.size, 1)

    client.feature('search')
    service.turn = 'no-answer'
    assert.equal(await client.flush(), false)
    service.turn = 'well'
    assert.equal(await client.flush(), true)
  })

  it('a week offline: delivered with the events’ own times; after 34 days it is lost and told', async () => {
    const { clock, service, client } = start()
    service.turn = 'no-answer'
    client.feature('first')
    const at = new Date(clock.wallNow()).toISOString()
    await clock.flow(7 * day)
    service.turn = 'well'
    await clock.flow(600_000)
    assert.equal(service.accepted.size, 2)
    for (const body of service.accepted.values()) assert.equal((JSON.parse(body) as Sent).time, at)

    service.turn = 'no-answer'
    client.feature('second')
    await clock.flow(34 * day + 600_000)
    service.turn = 'well'
    await clock.flow(600_000)
    assert.equal(service.accepted.size, 2)
    assert.deepEqual(lossesOf(service), { too_old: 2 })
  })

  it('sends what is new with keepalive when the page is hidden, and again until an answer was seen', async () => {
    const { clock, service, client, page } = start()
    await clock.flow(0)
    client.feature('search')
    await clock.flow(0)
    service.turn = 'lost-answer'
    page.hidden()
    assert.equal(service.requests.at(-1)!.options.keepalive, true)
    service.turn = 'well'
    await clock.flow(5_000)
    assert.equal(service.accepted.size, 2)
    assert.equal(service.requests.length, 3)
    page.hidden()
    assert.equal(service.requests.length, 3, 'there is nothing left to say')
  })

  it('sends what came, or was lost, while a slow answer was awaited', async () => {
    const { clock, service, client, store } = start()
    const answerLater = () => {
      const { promise, resolve } = Promise.withResolvers<void>()
      service.answers = promise
      return resolve
    }
    // Each time: the timer of what is new goes by while the answer is awaited, and nothing is recorded after it.
    let answer = answerLater()
    await clock.flow(0)
    client.feature('search')
    await clock.flow(6_000)
    answer()
    await clock.flow(6_000)
    assert.equal(service.accepted.size, 2)

    const full = () => Promise.reject(new Error('full'))
    Object.assign(store, { add: full, lose: full })
    answer = answerLater()
    client.feature('lost')
    await clock.flow(6_000)
    client.feature('lost too')
    await clock.flow(6_000)
    answer()
    await clock.flow(6_000)
    assert.equal(service.told, 2)
  })

  it('beats once a minute while there is activity', async () => {
    const { clock, service, page } = start()
    for (let n = 0; n < 180; n++) {
      if (n < 60) page.activity()
      await clock.flow(1_000)
    }
    await clock.flow(10_000)
    const types = [...service.accepted.values()].map(body => (JSON.parse(body) as Sent).type)
    assert.deepEqual(types, ['session.start', 'session.heartbeat'])
  })

  it('without consent records, stores and sends nothing; withdrawn, it forgets', async () => {
    const { clock, service, client, store, ports } = start({ consent: false })
    client.feature('search')
    client.session.start()
    await clock.flow(day)
    assert.equal(clock.pending, 0)
    assert.equal(client.session.id, undefined)
    client.consent(true)
    client.feature('search', { text: 'x'.repeat(40_000) })
    client.feature('search')
    const { id } = client.session
    client.consent(false)
    await clock.flow(day)
    assert.deepEqual([service.requests, store.isEmpty, ports.session.load()], [[], true, undefined])
    assert.deepEqual(await client.losses(), {})
    client.consent(true)
    assert.notEqual(client.session.id, id)
  })

  it('brings nothing back of what was on its way to the store when it was erased', async () => {
    const { clock, service, client, store, page } = start({ user: '' })
    client.feature('erased')
    client.consent(false)
    client.consent(true)
    await clock.flow(0)
    client.feature('kept')
    await clock.flow(0)
    page.hidden()
    await clock.flow(0)
    const sent = service.requests.flatMap(({ events }) => events).flatMap(({ data }) => data?.feature ?? [])
    assert.deepEqual([...new Set(sent)], ['kept'])

    Object.assign(store, { add: () => Promise.reject(new Error('closed by the erasure')) })
    client.feature('erased')
    client.consent(false)
    client.consent(true)
    await clock.flow(0)
    assert.deepEqual([await client.losses(), service.told], [{}, 0])
  })

  it('never throws into its host, whatever fails inside', async () => {
    const { clock, client, ports } = start({ user: '' })
    const fail = () => {
      throw new Error('inside')
    }
    Object.assign(ports.session, { load: fail, save: fail })
    client.feature('search')
    client.identify('bob')
    client.session.start()
    client.session.heartbeat()
    client.session.end()
    await clock.flow(600_000)
    assert.equal(await client.flush(), true)
  })

  it('after shutdown is silent, and holds no timer', async () => {
    const { clock, service, client } = start()
    await client.shutdown()
    await client.shutdown()
    client.feature('search')
    client.consent(true)
    await clock.flow(day)
    assert.equal(service.accepted.size, 2)
    assert.equal(clock.pending, 0)
  })

  it('refuses settings that cannot be', () => {
    for (const bad of [{ endpoint: 'telemetry' }, { key: '' }]) assert.throws(() => start(bad), TypeError)
    for (const bad of [{ flushMs: 0 }, { maxEvents: -1 }, { idleMs: Number.NaN }])
      assert.throws(() => start(bad), RangeError)
  })
})
