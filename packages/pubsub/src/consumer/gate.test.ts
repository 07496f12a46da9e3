import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { DatabaseError } from '@plimsoll/database'
import { manualClock } from '@plimsoll/resilience'
import { PoisonMessageError, WorldFaultError } from '../errors.ts'
import { delayOf, faultOf } from './fault.ts'
import { Gate } from './gate.ts'

const never = new AbortController().signal
const settle = () => new Promise(resolve => setImmediate(resolve))

describe('the gate', () => {
  it('lets in as many as it has room for', async () => {
    const gate = new Gate(2, { firstMs: 10, maxMs: 100 }, manualClock(), () => 1)
    const leave = await gate.enter(never)
    await gate.enter(never)
    let third = false
    void gate.enter(never).then(() => {
      third = true
    })
    await settle()
    assert.equal(third, false)
    leave!()
    await settle()
    assert.equal(third, true)
  })

  it('is shut for longer after each fault, then lets one through until one has succeeded', async () => {
    const clock = manualClock()
    const gate = new Gate(3, { firstMs: 10, maxMs: 25 }, clock, () => 1)
    assert.deepEqual([gate.worldFault(), gate.worldFault(), gate.worldFault()], [10, 20, 25])
    const inside: (() => void)[] = []
    for (let i = 0; i < 3; i++) void gate.enter(never).then(leave => inside.push(leave!))
    await settle()
    assert.equal(inside.length, 0)
    clock.advance(30)
    await settle()
    assert.equal(inside.length, 1)
    assert.equal(gate.succeeded(), true)
    await settle()
    assert.equal(inside.length, 3)
    assert.equal(gate.succeeded(), false)
  })

  it('is open again when its timer fires early', async () => {
    const clock = manualClock()
    const early = { ...clock, setTimer: (fn: () => void, ms: number) => clock.setTimer(fn, ms > 3 ? ms - 3 : ms) }
    const gate = new Gate(1, { firstMs: 10, maxMs: 10 }, early, () => 1)
    gate.worldFault()
    let inside = false
    void gate.enter(never).then(() => {
      inside = true
    })
    for (let ms = 0; ms < 12; ms++) {
      clock.advance(1)
      await settle()
    }
    assert.equal(inside, true)
  })

  it('lets go of who waits when they are told to stop', async () => {
    const gate = new Gate(1, { firstMs: 10, maxMs: 100 }, manualClock(), () => 1)
    gate.pause()
    const stop = new AbortController()
    const entering = gate.enter(stop.signal)
    stop.abort()
    assert.equal(await entering, undefined)
  })
})

describe('whose fault it is', () => {
  it('is told by what was thrown, or by what caused it', () => {
    assert.equal(faultOf(new WorldFaultError('away')), 'world')
    assert.equal(faultOf(new DatabaseError('gone', '08006')), 'world')
    assert.equal(faultOf(new DatabaseError('serialisation', '40001')), 'world')
    assert.equal(faultOf(new DatabaseError('duplicate key', '23505')), 'message')
    assert.equal(
      faultOf(new Error('fetch failed', { cause: Object.assign(new Error(), { code: 'ECONNRESET' }) })),
      'world'
    )
    assert.equal(faultOf(new PoisonMessageError('never')), 'poison')
    assert.equal(faultOf('a string'), 'message')
    assert.equal(faultOf(undefined), 'message')
  })

  it('waits between half of a doubling ceiling and all of it', () => {
    const backoff = { firstMs: 100, maxMs: 1_000 }
    assert.deepEqual(
      [1, 2, 5, 500].map(attempt => delayOf(backoff, attempt, () => 0)),
      [50, 100, 500, 500]
    )
    assert.deepEqual(
      [1, 2, 5, 500].map(attempt => delayOf(backoff, attempt, () => 1)),
      [100, 200, 1_000, 1_000]
    )
  })
})
