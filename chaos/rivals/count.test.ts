import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { countOf, extraOf } from './count.ts'

describe('what a target counts', () => {
  const sent = new Set(['a', 'b', 'c'])
  it('is right when each is there once', () => {
    assert.deepEqual(
      countOf(
        sent,
        [...sent].map(id => ({ id, times: 1 }))
      ),
      { sent: 3, lost: 0, doubled: 0 }
    )
  })
  it('has lost what is not there, and doubled what is there more than once or was sent by nobody', () => {
    const counts = [
      { id: 'a', times: 3 },
      { id: 'x', times: 1 }
    ]
    assert.deepEqual(countOf(sent, counts), { sent: 3, lost: 2, doubled: 3 })
    assert.equal(extraOf(counts), 2)
  })
})
