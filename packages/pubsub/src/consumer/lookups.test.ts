import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import type { Database } from '@plimsoll/database'
import { openScratch } from '@plimsoll/database/testing'
import { Lookups } from './lookups.ts'
import { type ConsumerStore, type Lease, migrateConsumer, rememberIds } from './store.ts'

const schema = 'consumer'
const lease = (partition: number, generation: number): Lease => ({
  topic: 't',
  group: 'g',
  partition,
  generation,
  fence: 1,
  position: null,
  afterDeath: false
})

describe('lookups of the partitions of one subscription', () => {
  let database: Database
  before(async () => {
    database = await openScratch()
    await migrateConsumer(database, schema)
    await rememberIds(database, schema, lease(0, 0), ['both', 'first'])
    await rememberIds(database, schema, lease(1, 1), ['both', 'second'])
    await rememberIds(database, schema, { ...lease(0, 0), group: 'another' }, ['new'])
  })
  after(() => database.close())

  /** The store, and how many statements it was given. */
  function counting() {
    let statements = 0
    const counted: Database = Object.create(database, {
      query: {
        value: (...query: Parameters<Database['query']>) => {
          statements++
          return database.query(...query)
        }
      }
    })
    return { store: { database: counted, schema } satisfies ConsumerStore, statements: () => statements }
  }

  it('share a statement, and each hears of its own ids in its own generation', async () => {
    const { store, statements } = counting()
    const lookups = new Lookups(store)
    const ids = ['both', 'first', 'second', 'new']
    const answers = await Promise.all([
      lookups.ask({ lease: lease(0, 0), ids }),
      lookups.ask({ lease: lease(1, 1), ids }),
      lookups.ask({ lease: lease(2, 0), ids: ['first'] }),
      lookups.ask({ lease: lease(3, 1), ids: ['first'] }),
      lookups.ask({ lease: lease(4, 0), ids: [] })
    ])
    assert.deepEqual(
      answers.map(known => [...known].sort()),
      [['both', 'first'], ['both', 'second'], ['first'], [], []]
    )
    assert.ok(statements() < answers.length, `${statements()} statements for ${answers.length} partitions`)
  })

  it('are told what the database said, each of them, and the next one asks anew', async () => {
    await database.exec(`alter table "${schema}".inbox rename to away`)
    const lookups = new Lookups({ database, schema })
    const asked = await Promise.allSettled([0, 1].map(n => lookups.ask({ lease: lease(n, n), ids: ['both'] })))
    await database.exec(`alter table "${schema}".away rename to inbox`)
    for (const answer of asked) {
      assert.ok(answer.status === 'rejected')
      assert.equal(answer.reason.code, '42P01')
    }
    assert.deepEqual([...(await lookups.ask({ lease: lease(0, 0), ids: ['both'] }))], ['both'])
  })
})
