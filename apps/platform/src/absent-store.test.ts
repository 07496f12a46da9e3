import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { isUnavailable } from '@plimsoll/database'
import { openScratch } from '@plimsoll/database/testing'
import { absentStore } from './absent-store.ts'

describe('a store that can be made to be away', () => {
  it('refuses everything as an unreachable server does, until it is back', async t => {
    const inner = await openScratch()
    t.after(() => inner.close())
    const { database, away } = absentStore(inner)
    const calls: (() => Promise<unknown>)[] = [
      () => database.query('select 1'),
      () => database.exec('select 1'),
      () => database.transaction(tx => tx.query('select 1')),
      () => database.statistics()
    ]
    for (const call of calls) await call()
    const underWay = database.query('select pg_sleep(0.01)')
    away(60_000)
    await underWay
    for (const call of calls) await assert.rejects(call, isUnavailable)
    await assert.rejects(database.call(new URL('./none.ts', import.meta.url), {}), isUnavailable)
    await assert.rejects(database.copyIn('t', ['a'], ''), isUnavailable)
    away(0)
    for (const call of calls) await call()
  })
})
