import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { systemClock } from './clock.ts'

describe('the system clock', () => {
  it('is monotonic beside a wall clock in milliseconds since 1970', () => {
    const first = systemClock.now()
    assert.ok(systemClock.now() >= first)
    assert.ok(Math.abs(systemClock.wallNow() - Date.now()) < 1_000)
  })

  it('waits for long even when told to wait for longer than timers can', async () => {
    let fired = false
    const handle = systemClock.setTimer(() => {
      fired = true
    }, 1e12)
    const shorter = Promise.withResolvers<void>()
    systemClock.setTimer(shorter.resolve, 2)
    await shorter.promise
    systemClock.clearTimer(handle)
    assert.equal(fired, false)
  })
})
