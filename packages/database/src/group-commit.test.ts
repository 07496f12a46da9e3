import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import type { Database } from './database.ts'
import { DatabaseClosedError, DatabaseError, QueueFullError } from './errors.ts'
import { GroupCommit } from './group-commit.ts'
import { openScratch } from './testing.ts'

describe('group commit', () => {
  let db: Database
  before(async () => {
    db = await openScratch()
    await db.exec('create table written (n int primary key)')
  })
  after(() => db.close())

  const inserter = (batches: number[][] = []) => ({
    commit: (items: readonly number[]) => {
      batches.push([...items])
      return db.transaction(async tx => {
        await tx.query('insert into written select unnest($1::int[])', [items])
        return items.map(n => `wrote ${n}`)
      })
    }
  })

  it('puts callers of one moment into one transaction and gives each its own outcome', async () => {
    const batches: number[][] = []
    const group = new GroupCommit(inserter(batches))
    const commits = (await db.statistics()).commits
    const outcomes = await Promise.all([1, 2, 3, 4, 5].map(n => group.submit(n)))
    assert.deepEqual(outcomes, ['wrote 1', 'wrote 2', 'wrote 3', 'wrote 4', 'wrote 5'])
    assert.deepEqual(batches, [[1, 2, 3, 4, 5]])
    assert.equal((await db.statistics()).commits - commits, 1)
  })

  it('begins the next before it answers, where so much waits', async () => {
    const told: string[] = []
    const gates = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
    const group = new GroupCommit<number, number>({
      ahead: 2,
      async commit(items) {
        told.push(`begun ${items}`)
        await gates.shift()?.promise
        return items
      }
    })
    const [first, second] = gates
    const answered = group.submit(1).then(() => told.push('answered 1'))
    await new Promise(resolve => setImmediate(resolve))
    const others = [group.submit(2), group.submit(3)]
    first!.resolve()
    await answered
    assert.deepEqual(told, ['begun 1', 'begun 2,3', 'answered 1'])
    second!.resolve()
    assert.deepEqual(await Promise.all(others), [2, 3])
  })

  it('splits a failing batch until the item at fault fails alone', async () => {
    const group = new GroupCommit({ ...inserter(), retries: 0 })
    const items = [10, 11, 1, 12, 13]
    const settled = await Promise.allSettled(items.map(n => group.submit(n)))
    assert.deepEqual(
      settled.map(s => s.status),
      ['fulfilled', 'fulfilled', 'rejected', 'fulfilled', 'fulfilled']
    )
    const { rows } = await db.query('select n from written where n between 10 and 13 order by n')
    assert.deepEqual(rows, [{ n: 10 }, { n: 11 }, { n: 12 }, { n: 13 }])
  })

  it('tries again in a fresh transaction after a unique violation, so that a look before the write sees the other', async () => {
    let looked = 0
    const group = new GroupCommit({
      commit: async (items: readonly number[]) => {
        looked++
        if (looked === 1) await db.query('insert into written values (1)')
        return items.map(() => 'duplicate')
      }
    })
    assert.equal(await group.submit(1), 'duplicate')
    assert.equal(looked, 2)
  })

  it('keeps a batch within its weight, and lets a heavier item go alone', async () => {
    const sizes: number[] = []
    const group = new GroupCommit({
      maxBatch: 10,
      commit: async (items: readonly number[]) => {
        sizes.push(items.length)
        return items
      }
    })
    await Promise.all([group.submit(1, 25), group.submit(2, 6), group.submit(3, 4), group.submit(4, 1)])
    assert.deepEqual(sizes, [1, 2, 1])
  })

  it('begins a second transaction beside a running one only for so much as is worth one', async () => {
    const running: { size: number; end(): void }[] = []
    const group = new GroupCommit({
      committers: 2,
      beside: 3,
      commit: (items: readonly number[]) =>
        new Promise<readonly number[]>(resolve => {
          running.push({ size: items.length, end: () => resolve(items) })
        })
    })
    const turn = () => new Promise(setImmediate)
    const sizes = () => running.map(({ size }) => size)
    const all = [group.submit(1)]
    await turn()
    all.push(group.submit(2), group.submit(3))
    await turn()
    assert.deepEqual(sizes(), [1], 'two are not worth one: they wait for the first to end')
    all.push(group.submit(4))
    await turn()
    assert.deepEqual(sizes(), [1, 3])
    all.push(group.submit(5))
    running[0]!.end()
    running[1]!.end()
    await turn()
    await turn()
    assert.deepEqual(sizes(), [1, 3, 1], 'beside none, one is enough')
    running[2]!.end()
    assert.deepEqual(await Promise.all(all), [1, 2, 3, 4, 5])
  })

  it('refuses, by name, what would not fit the queue', async () => {
    const group = new GroupCommit({ ...inserter(), maxPending: 2 })
    const first = group.submit(20)
    const second = group.submit(21)
    await assert.rejects(group.submit(22), QueueFullError)
    await Promise.all([first, second])
    assert.equal(await group.submit(22), 'wrote 22')
  })

  it('does not hammer a database that cannot be reached: one try, one error for each', async () => {
    let tries = 0
    const group = new GroupCommit({
      commit: async () => {
        tries++
        throw new DatabaseError('gone', '08006')
      }
    })
    const settled = await Promise.allSettled([1, 2, 3, 4].map(n => group.submit(n)))
    assert.ok(settled.every(s => s.status === 'rejected'))
    assert.equal(tries, 1)
  })

  it('answers everything it took before it closes, and takes nothing after', async () => {
    const group = new GroupCommit(inserter())
    const last = group.submit(30)
    const closed = group.close()
    await assert.rejects(group.submit(31), DatabaseClosedError)
    assert.equal(await last, 'wrote 30')
    await closed
    assert.equal(group.pending, 0)
  })
})
