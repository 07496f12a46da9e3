import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { checkShare, type Room, SpoolShareError, shedTypes } from './shedding.ts'

const room = (over: Partial<Room>): Room => ({ max: 1_000, taken: 0, own: 0, projects: 1, ...over })
const shed = (over: Partial<Room>) => [...(shedTypes(room(over)) ?? [])]
const isRefused = (over: Partial<Room>) => {
  try {
    checkShare(room(over))
    return false
  } catch (error) {
    assert.ok(error instanceof SpoolShareError)
    return true
  }
}

describe('the room of a spool', () => {
  it('is for one that is alone up to nine tenths, less and less of it', () => {
    const alone = (own: number) => ({ own, taken: own })
    assert.deepEqual(shed(alone(720)), [])
    assert.deepEqual(shed(alone(721)), ['session.heartbeat'])
    assert.deepEqual(shed(alone(856)), ['session.heartbeat', 'feature.used'])
    assert.deepEqual(
      [899, 900, 901].map(own => isRefused(alone(own))),
      [false, false, true]
    )
  })

  it('is divided once half of it is taken', () => {
    assert.equal(isRefused({ own: 490, taken: 500, projects: 50 }), false)
    assert.equal(isRefused({ own: 490, taken: 501, projects: 50 }), true)
    assert.equal(isRefused({ own: 490, taken: 700, projects: 2 }), false)
    assert.equal(isRefused({ own: 501, taken: 700, projects: 2 }), true)
  })

  it('is open to who has nothing there, however full it is', () => {
    for (const taken of [900, 1_000, 1_100]) {
      assert.equal(isRefused({ taken, projects: 2 }), false)
      assert.deepEqual(shed({ taken, projects: 2 }), [])
    }
  })

  it('is never wholly one’s own: each leaves a ninth of what it has', () => {
    assert.equal(isRefused({ own: 90, taken: 990, projects: 10 }), false)
    assert.equal(isRefused({ own: 91, taken: 990, projects: 10 }), true)
    assert.deepEqual(shed({ own: 60, taken: 990, projects: 10 }), ['session.heartbeat', 'feature.used'])
    assert.deepEqual(shed({ own: 10, taken: 990, projects: 10 }), [])
  })
})
