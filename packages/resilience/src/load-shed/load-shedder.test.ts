import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { manualClock } from '../manual-clock.ts'
import { type LoadPermit, type LoadShedder, loadShedder } from './load-shedder.ts'

/** A service that does `perMs` units of work a millisecond, in batches, and what it let in. */
class BatchingServer {
  readonly clock = manualClock()
  readonly door: LoadShedder
  perMs: number
  done = 0
  readonly waits: number[] = []
  readonly doneOf = new Map<string, number>()
  #queue: { key: string; weight: number; since: number; permit: LoadPermit }[] = []
  #credit = 0

  constructor(perMs: number, options?: Parameters<typeof loadShedder>[0]) {
    this.perMs = perMs
    this.door = loadShedder(options, { clock: this.clock })
  }

  offer(key: string, weight: number): boolean {
    const permit = this.door.admit(key, weight)
    if (permit) this.#queue.push({ key, weight, since: this.clock.now(), permit })
    return permit !== null
  }

  /** A batch every 20 ms, of as much as can be done in that time. */
  batch(): void {
    this.clock.advance(20)
    this.#credit = Math.min(this.#credit + this.perMs * 20, this.perMs * 40)
    while (this.#queue.length > 0 && this.#queue[0]!.weight <= this.#credit) {
      const { key, weight, since, permit } = this.#queue.shift()!
      this.#credit -= weight
      this.done += weight
      this.doneOf.set(key, (this.doneOf.get(key) ?? 0) + weight)
      this.waits.push(this.clock.now() - since)
      permit.release()
    }
  }
}

describe('a load shedder', () => {
  it('lets everything in while the queue is short in time, however long it is in work', () => {
    const server = new BatchingServer(30)
    for (let i = 0; i < 500; i++) {
      for (let n = 0; n < 5; n++) assert.ok(server.offer('a', 100))
      server.batch()
    }
    const { refused, ratePerSecond } = server.door.snapshot()
    assert.equal(refused, 0)
    assert.ok(Math.abs(ratePerSecond - 25_000) < 2_500, `${ratePerSecond} a second`)
  })

  it('at three times the capacity does all it can do, and what it lets in waits no longer than was said', () => {
    const server = new BatchingServer(30)
    for (let i = 0; i < 1_000; i++) {
      for (let n = 0; n < 18; n++) server.offer('a', 100)
      server.batch()
    }
    const capacity = 30 * 20 * 1_000
    assert.ok(server.done > 0.98 * capacity, `${server.done} of ${capacity}`)
    const late = server.waits.slice(server.waits.length / 2).sort((a, b) => a - b)
    assert.ok(late[Math.floor(late.length * 0.99)]! <= 1_200, `p99 ${late[Math.floor(late.length * 0.99)]} ms`)
    assert.ok(server.door.retryAfterMs > 0)
  })

  it('follows a service that becomes slow, and one that becomes fast again', () => {
    const server = new BatchingServer(30)
    const rounds = (count: number, each: number) => {
      let refused = 0
      for (let i = 0; i < count; i++) {
        for (let n = 0; n < each; n++) if (!server.offer('a', 100)) refused++
        server.batch()
      }
      return refused
    }
    assert.equal(rounds(200, 5), 0)
    server.perMs = 3
    assert.ok(rounds(300, 5) > 900, 'a tenth can be done, so most is refused')
    server.perMs = 30
    rounds(100, 5)
    assert.equal(rounds(200, 5), 0)
  })

  it('refuses while nothing is done at all, and lets in again when it is', () => {
    const server = new BatchingServer(30)
    for (let i = 0; i < 100; i++) {
      server.offer('a', 300)
      server.batch()
    }
    const before = server.door.snapshot().refused
    for (let i = 0; i < 200; i++) {
      server.clock.advance(20)
      server.offer('a', 300)
    }
    const { refused, pending } = server.door.snapshot()
    assert.ok(refused - before > 150, 'most of four seconds')
    assert.ok(pending < 15_000, 'what waits is bounded')
    for (let i = 0; i < 200; i++) server.batch()
    assert.equal(server.door.snapshot().pending, 0)
    assert.ok(server.offer('a', 300))
  })

  it('does not take the time in which its own process stood still for slowness of the work', () => {
    const server = new BatchingServer(30)
    for (let i = 0; i < 200; i++) {
      for (let n = 0; n < 5; n++) server.offer('a', 100)
      server.batch()
    }
    server.offer('a', 600)
    server.clock.advance(4_000)
    server.batch()
    for (let n = 0; n < 40; n++) assert.ok(server.offer('a', 100), 'less than a quarter of a second of work')
  })

  it('refuses first who has more than a fair part: a flood does not starve the others', () => {
    const server = new BatchingServer(30)
    let quietRefused = 0
    for (let i = 0; i < 1_000; i++) {
      for (let n = 0; n < 30; n++) server.offer('flood', 100)
      for (let n = 0; n < 2; n++) if (!server.offer('quiet', 100)) quietRefused++
      server.batch()
    }
    assert.equal(quietRefused, 0, 'a third of the capacity is less than its half')
    assert.equal(server.doneOf.get('quiet')! > 0.9 * 200_000, true)
    assert.ok(server.done > 0.98 * 600_000, 'and the flood has the rest')
    assert.ok(server.door.snapshot().refusedUnfair > 0)
  })

  it('knows what is pending whatever is said of the weight, and forgets keys that have none', () => {
    const clock = manualClock()
    const door = loadShedder({}, { clock })
    const one = door.admit('a', 1)!
    const two = door.admit('b', 10)!
    one.weigh(50)
    assert.deepEqual([door.snapshot().pending, door.snapshot().keys], [60, 2])
    one.release()
    one.release()
    one.weigh(1_000)
    two.release()
    assert.deepEqual([door.snapshot().pending, door.snapshot().keys], [0, 0])
    assert.equal(door.retryAfterMs, 0)
  })

  it('does not take a trickle for all that can be done: a burst after it is let in', () => {
    const server = new BatchingServer(30)
    for (let i = 0; i < 500; i++) {
      server.offer('a', 1)
      server.batch()
    }
    for (let n = 0; n < 15; n++) assert.ok(server.offer('b', 100), 'a twentieth of a second of work')
  })

  it('knows the rate of a queue hardly longer than its floor: what comes out as one batch counts whole', () => {
    const clock = manualClock()
    const door = loadShedder({ softWaitMs: 250, hardWaitMs: 500, floor: 500 }, { clock })
    for (let turn = 0; turn < 100; turn++) {
      const permits = Array.from({ length: 512 }, () => door.admit('a', 1))
      clock.advance(80)
      for (const permit of permits) {
        assert.ok(permit, `refused in turn ${turn}`)
        permit.release()
        clock.advance(0.05)
      }
    }
    const { ratePerSecond } = door.snapshot()
    assert.ok(ratePerSecond > 4_000 && ratePerSecond < 8_000, `${ratePerSecond} a second`)
  })

  it('does not take a pause, as of a collection or a checkpoint, for a slow service', () => {
    const server = new BatchingServer(20, { softWaitMs: 250, hardWaitMs: 500, floor: 500 })
    for (let n = 0; n < 60; n++) server.offer('a', 100)
    // As many come as are done: a queue of 300 ms, and every second a pause of 150 ms.
    for (let i = 1; i <= 500; i++) {
      server.batch()
      if (i % 50 === 0) server.clock.advance(150)
      for (let n = 0; n < 4; n++) server.offer('a', 100)
    }
    const { refused, expectedWaitMs } = server.door.snapshot()
    assert.equal(refused, 0, `expected wait ${expectedWaitMs} ms`)
  })

  it('believes a slow first moment for no longer than a moment', () => {
    const server = new BatchingServer(2)
    const offer = () => {
      for (let n = 0; n < 6; n++) server.offer('a', 100)
      server.batch()
    }
    for (let i = 0; i < 15; i++) offer()
    server.perMs = 30
    for (let i = 0; i < 10; i++) offer()
    const { ratePerSecond } = server.door.snapshot()
    assert.ok(ratePerSecond > 15_500, `${ratePerSecond} a second`)
  })

  it('forgets a bad time when there has been no queue for a while', () => {
    const server = new BatchingServer(30)
    server.perMs = 0.01
    for (let i = 0; i < 100; i++) {
      server.offer('a', 10)
      server.batch()
    }
    assert.equal(server.offer('a', 100), false)
    server.perMs = 30
    for (let i = 0; i < 20; i++) server.batch()
    server.clock.advance(11_000)
    for (let n = 0; n < 15; n++) assert.ok(server.offer('a', 100))
  })

  it('lets a little in always: a rate of next to nothing is no reason to refuse a first caller', () => {
    const clock = manualClock()
    const door = loadShedder({ floor: 10 }, { clock })
    const first = door.admit('a', 1)!
    clock.advance(5_000)
    first.release()
    clock.advance(5_000)
    for (let i = 0; i < 10; i++) assert.ok(door.admit('a', 1), String(i))
  })

  it('refuses settings that make no sense', () => {
    for (const bad of [{ softWaitMs: 0 }, { hardWaitMs: 100 }, { floor: 0.5 }, { softWaitMs: Number.NaN }]) {
      assert.throws(() => loadShedder(bad), RangeError)
    }
  })
})
