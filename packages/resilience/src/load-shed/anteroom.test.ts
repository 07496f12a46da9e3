import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { manualClock } from '../manual-clock.ts'
import { anteroom } from './anteroom.ts'
import { type LoadPermit, loadShedder } from './load-shedder.ts'

/** A door that is closed until it is opened, and how often it refused. */
function doorOf() {
  const door = {
    closed: true,
    refused: 0,
    isClosedTo: () => door.closed,
    refuses() {
      if (door.closed) door.refused++
      return door.closed
    }
  }
  return door
}

/** What came of asking, or `waits`. */
async function heard(entering: boolean | Promise<boolean>): Promise<boolean | 'waits'> {
  return Promise.race([entering, new Promise<'waits'>(resolve => setImmediate(resolve, 'waits'))])
}

describe('an anteroom', () => {
  it('is passed at once while the door is open', () => {
    const clock = manualClock()
    const door = doorOf()
    door.closed = false
    assert.equal(anteroom(door, {}, { clock }).enter('a'), true)
    assert.equal(clock.pending, 0)
  })

  it('keeps who comes to a closed door for a moment, and asks once more', async () => {
    const clock = manualClock()
    const door = doorOf()
    const room = anteroom(door, { waitMs: 100 }, { clock, random: () => 0 })
    const one = room.enter('a')
    assert.deepEqual([await heard(one), room.waiting, door.refused], ['waits', 1, 0])
    clock.advance(99)
    assert.equal(await heard(one), 'waits')
    door.closed = false
    clock.advance(1)
    assert.deepEqual([await one, room.waiting, door.refused], [true, 0, 0])
    door.closed = true
    const other = room.enter('a')
    clock.advance(100)
    assert.deepEqual([await other, room.waiting, door.refused], [false, 0, 1], 'counted once')
  })

  it('lets them go at different moments, within the time that was said', async () => {
    const clock = manualClock()
    const draws = [0, 0.5, 0.999]
    const room = anteroom(doorOf(), { waitMs: 100 }, { clock, random: () => draws.shift()! })
    const all = [room.enter('a'), room.enter('a'), room.enter('a')]
    for (const [ms, waiting] of [
      [49, 3],
      [2, 2],
      [24, 1],
      [25, 0]
    ] as const) {
      clock.advance(ms)
      assert.equal(room.waiting, waiting)
    }
    assert.deepEqual(await Promise.all(all), [false, false, false])
  })

  it('has so many places: who finds none is told at once, and so is who has no time to wait', async () => {
    const clock = manualClock()
    const door = doorOf()
    const room = anteroom(door, { waitMs: 100, places: 2 }, { clock, random: () => 0 })
    const first = room.enter('a', 101)
    const second = room.enter('a')
    assert.equal(room.enter('a'), false)
    clock.advance(100)
    assert.deepEqual(await Promise.all([first, second]), [false, false])
    assert.equal(room.enter('a', clock.now() + 100), false, 'it would be late')
    assert.deepEqual([room.waiting, door.refused, clock.pending], [0, 4, 0])
    assert.throws(() => anteroom(door, { places: -1 }), RangeError)
    assert.throws(() => anteroom(door, { waitMs: Number.NaN }), RangeError)
  })

  it('keeps a crowd that comes back at once from being all that is served', async () => {
    // Ten units of work a turn, or 300 answers of whatever kind, or a part of both.
    const served = async (patient: boolean) => {
      const clock = manualClock()
      const door = loadShedder({ softWaitMs: 250, hardWaitMs: 500, floor: 20 }, { clock })
      const room = anteroom(door, { places: patient ? 600 : 0 }, { clock })
      const queue: { permit: LoadPermit; answered: () => void }[] = []
      let done = 0
      let budget = 0
      const client = async () => {
        for (;;) {
          const mayEnter = await room.enter('a')
          while (budget < 1) await new Promise<void>(resolve => starved.push(resolve))
          budget--
          const permit = mayEnter ? door.admit('a', 1) : null
          if (permit) await new Promise<void>(answered => queue.push({ permit, answered }))
        }
      }
      const starved: (() => void)[] = []
      for (let n = 0; n < 600; n++) void client()
      for (let turn = 0; turn < 150; turn++) {
        // A turn of 20 ms: what the answers do not take is left for the work.
        budget = 300
        for (const go of starved.splice(0)) go()
        await clock.flow(20)
        for (const one of queue.splice(0, Math.floor(10 * (budget / 300) + 1))) {
          one.permit.release()
          one.answered()
          done++
        }
      }
      return done
    }
    const [patient, hammered] = [await served(true), await served(false)]
    assert.ok(patient > 2 * hammered, `${patient} done with the room, ${hammered} without`)
  })
})
