import assert from 'node:assert/strict'
import { after, before, beforeEach, describe, it } from 'node:test'
import type { Database, Transaction } from './database.ts'
import { openScratch } from './testing.ts'

describe('a transaction that is over', () => {
  let db: Database
  before(async () => {
    db = await openScratch()
    await db.exec('create table notes (n int)')
  })
  after(() => db.close())
  beforeEach(() => db.exec('truncate notes'))

  const written = async () => (await db.query('select n from notes')).rows.length

  it('takes no statement of a branch of its work that went on while another failed', async () => {
    let other: Promise<unknown> | undefined
    const failing = db.transaction(tx => {
      const one = tx.query('select 1').then(() => Promise.reject(new Error('not the engine’s')))
      other = tx
        .query('select 1')
        .then(() => tx.query('select 1'))
        .then(() => tx.query('insert into notes values (1)'))
      return Promise.all([one, other])
    })
    await assert.rejects(failing, /not the engine/)
    await assert.rejects(other!, { code: '25P01' })
    assert.equal(await written(), 0)
  })

  it('takes no statement after its commit either', async () => {
    let kept: Transaction | undefined
    await db.transaction(async tx => {
      kept = tx
      await tx.query('insert into notes values (1)')
    })
    for (const statement of [
      () => kept!.query('insert into notes values (2)'),
      () => kept!.exec('insert into notes values (2)'),
      () => kept!.copyIn('notes', ['n'], '2\n')
    ]) {
      await assert.rejects(statement(), { code: '25P01' })
    }
    assert.equal(await written(), 1)
  })
})
