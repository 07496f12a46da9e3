import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { DatabaseClosedError, DatabaseError, QueueFullError } from '@plimsoll/database'
import { Problem } from '@plimsoll/http'
import { DeadlineExceededError } from '@plimsoll/resilience'
import { SpoolBusyError, SpoolClosedError, SpoolFullError, SpoolWriteError } from '@plimsoll/spool'
import { KeyLooksFullError } from '../keys.ts'
import { SpoolShareError } from '../spool/shedding.ts'
import { type Asking, refusalOf } from './refusal.ts'

const refused = (error: unknown, asking?: Asking) => {
  const refusal = refusalOf(error, asking, () => 0.5)
  assert.ok(refusal instanceof Problem)
  return refusal
}

describe('what a failure of the store means to the client', () => {
  const late = new DeadlineExceededError('primary-store', { incoming: true, begun: true })
  const meanings: [Error, code: string][] = [
    [late, 'store_slow'],
    [new DatabaseClosedError(), 'store_unavailable'],
    [new DatabaseError('lost', '08006'), 'store_unavailable'],
    [new SpoolClosedError(), 'store_unavailable'],
    [new SpoolFullError(90, 20, 100), 'spool_full'],
    [new SpoolShareError({ max: 100, taken: 60, own: 55, projects: 2 }), 'spool_full'],
    [new SpoolBusyError(90, 80), 'spool_busy'],
    [new SpoolWriteError('an append', new Error('EIO')), 'spool_write_failed'],
    [new QueueFullError(10), 'overloaded'],
    [new KeyLooksFullError(), 'overloaded'],
    [new DatabaseError('twice', '23505'), 'contended'],
    [new DatabaseError('crossed', '40001'), 'contended']
  ]

  it('is a 503 with a code and a time to come back, whoever asked', () => {
    for (const [error, code] of meanings) {
      for (const asking of ['read', 'write'] as const) {
        const { status, code: told, headers } = refused(error, asking)
        assert.deepEqual([status, told, headers], [503, code, { 'retry-after': '3' }])
      }
    }
  })

  it('spreads those who come back over the next seconds', () => {
    const lost = new DatabaseClosedError()
    const comesBack = (random: number) => (refusalOf(lost, 'write', () => random) as Problem).headers['retry-after']
    assert.deepEqual([0, 0.19, 0.2, 0.99].map(comesBack), ['1', '1', '2', '5'])
  })

  it('says to a write whether it may be written, for that decides what to do', () => {
    for (const [error, code] of meanings) {
      const isUndone = code === 'overloaded' || code === 'contended'
      assert.match(refused(error).message, isUndone ? /nothing of this was written/ : /may be written or not/)
    }
  })

  it('speaks to a read of nothing that was to be written', () => {
    for (const [error] of meanings) {
      const { message } = refused(error, 'read')
      assert.doesNotMatch(message, /of this|this may|[Ss]end/)
      assert.match(message, /\. Ask again later\.$/)
    }
  })

  it('is not made of what is no failure of the store', () => {
    const bug = new TypeError('x is not a function')
    assert.equal(refusalOf(bug), bug)
  })
})
