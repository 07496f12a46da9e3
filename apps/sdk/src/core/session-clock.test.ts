import assert from 'node:assert/strict'
import { beforeEach, describe, it } from 'node:test'
import type { SessionRecord, Slot } from './ports.ts'
import { createSessionClock } from './session-clock.ts'

const minute = 60_000

describe('the session clock', () => {
  let now: number
  let said: string[]
  let slot: Slot<SessionRecord>
  const tab = () => {
    let ids = 0
    return createSessionClock({
      slot,
      now: () => now,
      newId: () => `s${++ids}@${now}`,
      idleMs: 30 * minute,
      heartbeatMs: minute,
      emit: (type, { session, user }) => said.push(`${type} ${session} ${user}`)
    })
  }
  beforeEach(() => {
    now = 1_000_000
    said = []
    let value: SessionRecord | undefined
    slot = {
      load: () => value,
      save(next) {
        value = next
      }
    }
  })

  it('begins a session with the first activity, and goes on with it in every tab', () => {
    const [left, right] = [tab(), tab()]
    left.identify('ann')
    assert.equal(left.id, '')
    const { session } = left.active()
    now += 29 * minute
    assert.equal(right.active().session, session)
    now += 29 * minute
    assert.equal(left.id, session)
    assert.deepEqual(said, [`session.start ${session} ann`])
  })

  it('begins a new one after 30 minutes without activity', () => {
    const clock = tab()
    const { session } = clock.active()
    now += 30 * minute
    assert.equal(clock.id, '')
    const next = clock.active()
    assert.notEqual(next.session, session)
    assert.equal(next.user, slot.load()!.user, 'somebody unknown stays the same')
    assert.equal(said.length, 2)
  })

  it('beats once a minute while there is activity, and not more with more tabs', () => {
    const tabs = [tab(), tab()]
    tabs[0]!.active()
    for (let n = 0; n < 10; n++) {
      now += minute
      if (n < 5) tabs[n % 2]!.stirred()
      for (const each of tabs) each.tick()
    }
    assert.equal(said.filter(line => line.startsWith('session.heartbeat')).length, 5)
  })

  it('does not beat when it is over, or never began', () => {
    const clock = tab()
    clock.tick()
    clock.active()
    clock.end()
    clock.end()
    now += minute
    clock.tick()
    assert.deepEqual(
      said.map(line => line.split(' ')[0]),
      ['session.start', 'session.end']
    )
  })

  it('ends the session of one user when another comes, and keeps it for the same', () => {
    const clock = tab()
    clock.identify('ann')
    const { session } = clock.active()
    clock.identify('ann')
    assert.equal(clock.id, session)
    clock.identify('bob')
    assert.equal(clock.id, '')
    assert.equal(clock.active().user, 'bob')
    assert.equal(said[1], `session.end ${session} ann`)
  })

  it('begins anew when the clock was set back by more than a session', () => {
    const clock = tab()
    const { session } = clock.active()
    now -= 20 * minute
    assert.equal(clock.active().session, session)
    now -= 40 * minute
    assert.notEqual(clock.active().session, session)
  })
})
