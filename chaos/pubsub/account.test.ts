import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { accountOf, roundsOf } from './account.ts'

const effects = (...ids: string[]) => ids.map(id => ({ id, key: id.slice(0, 1), n: Number(id.slice(2)) }))
const published = new Map([
  ['a', 3],
  ['b', 1]
])

describe('the account of a chaos run of pub/sub', () => {
  it('is clean when each was handled once and in order', () => {
    const clean = { handled: 4, lost: 0, doubled: 0, unknown: 0, outOfOrder: 0 }
    assert.deepEqual(accountOf(published, effects('a-0', 'b-0', 'a-1', 'a-2')), clean)
  })

  it('sees what is lost, doubled, unknown and out of order', () => {
    assert.equal(accountOf(published, effects('a-0', 'a-2', 'b-0')).lost, 1)
    assert.equal(accountOf(published, effects('a-0', 'a-0', 'a-1', 'a-2', 'b-0')).doubled, 1)
    assert.equal(accountOf(published, effects('a-0', 'a-1', 'a-2', 'b-0', 'b-1')).unknown, 1)
    assert.equal(accountOf(published, effects('a-0', 'a-2', 'a-1', 'b-0')).outOfOrder, 1)
  })

  it('counts a round that was begun in two lives once', () => {
    assert.deepEqual(roundsOf('begun 0\ndone 0\nbegun 1\nbegun 1\ndone 1\nbegun 2\n'), { begun: 3, done: 2 })
  })
})
