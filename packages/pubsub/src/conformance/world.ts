import assert from 'node:assert/strict'
import { it } from 'node:test'
import { type Database, DatabaseError } from '@plimsoll/database'
import type { SubscriptionEvent } from '../consumer/settings.ts'
import { WorldFaultError } from '../errors.ts'
import { type Bench, inOrder, numbered, until } from './under-test.ts'

export function worldCases(bench: () => Bench): void {
  it('a fault of the world costs no attempt, is told, and is tried until it is over', async () => {
    const topic = bench().topic()
    const events: SubscriptionEvent[] = []
    let away = true
    let tries = 0
    const subscription = await bench().collect(topic, 'g', {
      maxAttempts: 2,
      onEvent: event => void events.push(event),
      before: async () => {
        tries++
        if (away) throw new WorldFaultError('the bank is closed')
      }
    })
    await bench().pubsub.publish(topic, numbered(6, ['a', 'b']))
    await until('ten tries', () => tries >= 10)
    assert.equal(subscription.state.status, 'waiting')
    assert.match(String(subscription.state.error), /the bank is closed/)
    assert.equal((await subscription.deadLetters.totals()).keys, 0)
    away = false
    const effects = await bench().done(topic, 'g', 6)
    inOrder(effects)
    assert.deepEqual(new Set(effects.map(({ attempt }) => attempt)), new Set([1]))
    await until('running', () => subscription.state.status === 'running')
    assert.ok(events.some(({ kind }) => kind === 'recovered'))
    assert.ok(!events.some(({ kind }) => kind === 'failed'))
  })

  it('a refused connection deep in a cause is the world’s, too', async () => {
    const topic = bench().topic()
    let tries = 0
    await bench().collect(topic, 'g', {
      maxAttempts: 1,
      before: async () => {
        if (tries++ > 2) return
        const refused = Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' })
        throw new TypeError('fetch failed', { cause: refused })
      }
    })
    await bench().pubsub.publish(topic, { id: 'm', key: 'k', type: 'a', data: { n: 0 } })
    assert.equal((await bench().done(topic, 'g', 1))[0]!.attempt, 1)
  })

  it('waits as long as the fault says', async () => {
    const topic = bench().topic()
    const waits: number[] = []
    let tries = 0
    await bench().collect(topic, 'g', {
      onEvent: event => void (event.kind === 'waiting' && waits.push(event.retryInMs)),
      before: async () => {
        if (tries++ === 0) throw new WorldFaultError('later', { retryAfterMs: 7 })
      }
    })
    await bench().pubsub.publish(topic, { id: 'm', key: 'k', type: 'a', data: { n: 0 } })
    await bench().done(topic, 'g', 1)
    assert.deepEqual(waits, [7])
  })

  it('a judge of its own decides whose fault an error is', async () => {
    const topic = bench().topic()
    let tries = 0
    const subscription = await bench().subscribe(
      topic,
      'g',
      async ({ id }) => {
        if (id === 'busy' && tries++ < 3) throw new Error('lock wait')
        if (id === 'bad') throw new Error('never')
      },
      { faultOf: error => ((error as Error).message === 'lock wait' ? 'world' : 'poison') }
    )
    await bench().pubsub.publish(topic, { id: 'busy', key: 'k', type: 'a', data: 1 })
    await bench().pubsub.publish(topic, { id: 'bad', key: 'k', type: 'a', data: 1 })
    await until('one dead letter', async () => (await subscription.deadLetters.totals()).dead === 1)
    assert.equal(tries, 4)
    assert.equal((await subscription.deadLetters.list())[0]!.attempts, 1)
  })

  it('a database that is away pauses the subscription and burns no attempts', async () => {
    const topic = bench().topic()
    const away = { now: false }
    const database = interrupted(bench().under.database, away)
    const pubsub = bench().on(bench().broker, { database })
    const events: string[] = []
    const subscription = await bench().collect(topic, 'g', {
      pubsub,
      maxAttempts: 1,
      leaseMs: 60_000,
      onEvent: ({ kind }) => void events.push(kind)
    })
    await bench().pubsub.publish(topic, numbered(4, ['k']))
    await bench().done(topic, 'g', 4)
    away.now = true
    await bench().pubsub.publish(topic, numbered(4, ['k'], 4))
    await until('three waits', () => events.filter(kind => kind === 'waiting').length >= 3)
    assert.equal(subscription.state.status, 'waiting')
    away.now = false
    const effects = await bench().done(topic, 'g', 8)
    inOrder(effects)
    assert.ok(effects.every(({ attempt }) => attempt === 1))
    assert.ok(!events.includes('failed'))
  })

  it('a retry that meets a fault of the world has lost no attempt by it', async () => {
    const topic = bench().topic()
    let tries = 0
    const attempts: number[] = []
    await bench().collect(topic, 'g', {
      maxAttempts: 3,
      before: async (_message, { attempt }) => {
        attempts.push(attempt)
        tries++
        if (tries === 1) throw new Error('its own')
        if (tries < 5) throw new WorldFaultError('away')
      }
    })
    await bench().pubsub.publish(topic, { id: 'm', key: 'k', type: 'a', data: { n: 0 } })
    assert.equal((await bench().done(topic, 'g', 1))[0]!.attempt, 2)
    assert.deepEqual(attempts, [1, 2, 2, 2, 2])
  })

  it('a retry that meets a database that is away has lost no attempt by it', async () => {
    const topic = bench().topic()
    const away = { now: false }
    const pubsub = bench().on(bench().broker, { database: interrupted(bench().under.database, away) })
    const attempts: number[] = []
    let waits = 0
    await bench().collect(topic, 'g', {
      pubsub,
      leaseMs: 60_000,
      onEvent: ({ kind }) => void (kind === 'waiting' && waits++),
      before: async (_message, { attempt }) => {
        attempts.push(attempt)
        if (attempt === 1) throw new Error('its own')
        if (attempts.length > 2) return
        away.now = true
        throw new DatabaseError('the way is cut', '08006')
      }
    })
    await bench().pubsub.publish(topic, { id: 'm', key: 'k', type: 'a', data: { n: 0 } })
    await until('three waits', () => waits >= 3)
    away.now = false
    await bench().done(topic, 'g', 1)
    assert.deepEqual(attempts, [1, 2, 2])
  })
}

/** The database as a consumer sees it whose way there is cut now and then. */
function interrupted(database: Database, away: { now: boolean }): Database {
  const refuse = () => Promise.reject(new DatabaseError('the way is cut', '08006'))
  return new Proxy(database, {
    get(target, name) {
      const value = Reflect.get(target, name, target) as unknown
      if (typeof value !== 'function') return value
      if (name === 'query' || name === 'transaction' || name === 'exec' || name === 'commit') {
        return (...rest: unknown[]) => (away.now ? refuse() : Reflect.apply(value, target, rest))
      }
      return value.bind(target)
    }
  })
}
