import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { type Database, DatabaseError } from '@plimsoll/database'
import { openScratch } from '@plimsoll/database/testing'
import { logBroker, migrateLogBroker } from '../adapters/log/log.ts'
import { numbered, until } from '../conformance/under-test.ts'
import { PubSub } from '../pubsub.ts'
import { LateTransaction } from './late-transaction.ts'
import { Progress } from './progress.ts'

const envelope = (id: string) => ({ id, key: null, partition: 0, attributes: {}, headers: {}, data: Buffer.from('{}') })

describe('a transaction that begins late', () => {
  let database: Database
  before(async () => {
    database = await openScratch()
    await database.exec('create table written (n int primary key)')
  })
  after(() => database.close())
  const ready = () => Promise.resolve()
  const written = async () =>
    (await database.query<{ n: number }>('select n from written order by n')).rows.map(r => r.n)

  it('costs nothing without a statement, and keeps the order of those that are made together', async () => {
    const { commits } = await database.statistics()
    assert.equal(new LateTransaction(database, ready).begun, false)
    assert.equal((await database.statistics()).commits, commits)
    const tx = new LateTransaction(database, ready)
    void tx.query('insert into written values (1)')
    void tx.query('update written set n = n + 1')
    await tx.commit(last => last.query('update written set n = n * 10'))
    assert.deepEqual(await written(), [20])
    await assert.rejects(tx.query('insert into written values (3)'), { code: '25P01' })
  })

  it('rolls back, also what its last statement meets, and does not begin when what it waits for fails', async () => {
    const tx = new LateTransaction(database, ready)
    await tx.query('insert into written values (4)')
    await tx.rollback(new Error('no'))
    const refused = new LateTransaction(database, ready)
    await refused.query('insert into written values (5)')
    await assert.rejects(
      refused.commit(() => Promise.reject(new Error('fenced'))),
      /fenced/
    )
    const away = new LateTransaction(database, () => Promise.reject(new DatabaseError('away', '08006')))
    await assert.rejects(away.query('insert into written values (6)'), { code: '08006' })
    assert.deepEqual(await written(), [20])
  })

  it('positions follow behind, and what failed is settled with what came after, once', async () => {
    const settled: string[][] = []
    const faults = [new Error('away')]
    let told = 0
    const progress = new Progress({
      settle: async steps => {
        const fault = faults.pop()
        if (fault) throw fault
        settled.push(steps.flatMap(({ ids }) => ids))
      },
      onSettled: steps => {
        told += steps.length
      },
      onFault: () => undefined
    })
    const step = (...ids: string[]) => ({
      unit: ids.map(id => ({ envelope: envelope(id), position: id, publishedAt: 0 })),
      handled: ids.length,
      ids,
      source: undefined
    })
    progress.add(step('1'))
    progress.add(step('2', '3'))
    assert.deepEqual([...progress.idsAhead()], ['1', '2', '3'])
    await assert.rejects(progress.room(0), /away/)
    assert.equal(progress.faulted, true)
    progress.add(step('4'))
    assert.deepEqual([...progress.idsAhead()], ['1', '2', '3', '4'])
    await progress.flush()
    assert.deepEqual(settled, [['1', '2', '3', '4']])
    assert.deepEqual([told, progress.ahead, progress.faulted], [3, 0, false])
    assert.deepEqual([...progress.idsAhead()], [])
  })

  it('a late owner’s position does not move, also when its handler makes no statement', async () => {
    await migrateLogBroker(database)
    await PubSub.migrate(database)
    const broker = logBroker({ database, partitions: 1 })
    const pubsub = new PubSub({ broker, database, source: '/test' })
    const lost: string[] = []
    let handled = 0
    const handler = async () => {
      if (++handled === 3) await database.query('update pubsub.partitions set fence = fence + 1, owner = null')
    }
    await pubsub.subscribe('t', 'g', handler, { onEvent: ({ kind }) => void lost.push(kind) })
    await pubsub.publish('t', numbered(10, ['k']))
    await until('lost', () => lost.includes('lost'))
    await until('all, by the next owner', async () => {
      const { rows } = await database.query<{ handled: number }>('select handled from pubsub.partitions')
      return rows[0]!.handled === 10
    })
    assert.ok(handled > 10, `${handled} handled: those behind the fence come again`)
    await pubsub.close()
    await broker.close()
  })
})
