import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import type { Database } from '@plimsoll/database'
import { EventStore } from './event-store.ts'
import { numbered, numbersOf, scratchStore, settled } from './scratch-store.ts'

const made = numbered()
const { event } = made

describe('a subscription', () => {
  let store: EventStore & AsyncDisposable
  before(async () => {
    store = await scratchStore()
    made.reset()
  })
  after(() => store[Symbol.asyncDispose]())

  it('catches up, then tells each event as it comes, of stores and of transactions, until it is cancelled', async () => {
    await store.append('s', [event(), event(), event()], { expected: 'any' })
    const cancel = new AbortController()
    const got: number[] = []
    const pages = store.subscribe({ batch: 2, pollMs: 60_000, signal: cancel.signal })
    const reading = (async () => {
      for await (const { events } of pages) got.push(...numbersOf(events))
    })()
    const until = async (count: number) => {
      while (got.length < count) await turn()
    }
    await until(3)
    await store.append('t', [event()], { expected: 'any' })
    await until(4)
    await store.database.transaction(async tx => void (await store.append('s', [event()], { expected: 'any', tx })))
    await until(5)
    cancel.abort()
    await reading
    assert.deepEqual(got, [1, 2, 3, 4, 5])
    await store.append('s', [event()], { expected: 'any' })
    assert.equal(got.length, 5)
  })

  it('from the end tells only what comes', async () => {
    await settled(store)
    const before = made.count()
    const pages = store.subscribe({ from: 'end', pollMs: 5 })
    let told: number[] | undefined
    const first = pages.next().then(({ value }) => {
      told = numbersOf(value!.events)
    })
    // Where the end was found nobody is told: so more comes until one is behind it.
    while (!told) await store.append('s', [event()], { expected: 'any' })
    await first
    assert.ok(told[0]! > before, `told ${told} after ${before}`)
    await pages.return(undefined)
  })

  it('reads no further than it is asked to: who is slow is not run over', async () => {
    let asked = 0
    const database: Database = Object.create(store.database, {
      query: {
        value: (sql: string, parameters: unknown[]) => {
          asked++
          return store.database.query(sql, parameters)
        }
      },
      listen: { value: store.database.listen.bind(store.database) }
    })
    const slow = new EventStore({ database })
    await slow.append(
      'many',
      Array.from({ length: 20 }, () => event()),
      { expected: 'any' }
    )
    await settled(slow)
    asked = 0
    const pages = slow.subscribe({ batch: 4 })
    assert.equal(asked, 0)
    for (const count of [1, 2, 3]) {
      assert.equal((await pages.next()).value!.events.length, 4)
      for (let i = 0; i < 20; i++) await turn()
      assert.equal(asked, count)
    }
    await pages.return(undefined)
    await slow.close()
  })

  it('ends at once when it is cancelled while it waits or before it began', async () => {
    await settled(store)
    const cancel = new AbortController()
    const pages = store.subscribe({ from: await store.cutAt(), pollMs: 60_000, signal: cancel.signal })
    const next = pages.next()
    for (let i = 0; i < 20; i++) await turn()
    cancel.abort()
    assert.equal((await next).done, true)
    assert.equal((await store.subscribe({ signal: cancel.signal }).next()).done, true)
  })
})
