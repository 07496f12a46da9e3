import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { type CallOutcome, Circuit, type Permit } from './circuit.ts'
import { type BreakerOptions, breakerSettings } from './settings.ts'

const setUp = (options: BreakerOptions = {}) => {
  const states: string[] = []
  const settings = breakerSettings({ window: { calls: 10 }, minimumCalls: 10, openMs: 1_000, probes: 3, ...options })
  const circuit = new Circuit(settings, (from, to) => states.push(`${from} > ${to}`))
  const admit = (now: number): Permit | null => {
    const permit = { generation: 0, since: 0 }
    return circuit.admit(permit, now) ? permit : null
  }
  const call = (now: number, outcome: CallOutcome, ms = 0) => circuit.settle(admit(now)!, outcome, now + ms)
  const trip = (now = 0) => {
    for (let i = 0; i < settings.minimumCalls; i++) call(now, 'failed')
    assert.equal(circuit.state(now), 'open')
  }
  return { circuit, states, admit, call, trip }
}

describe('a circuit', () => {
  it('stays closed below its minimum of calls, whatever they bring (opossum #288, #660)', () => {
    const { circuit, call } = setUp()
    for (let i = 0; i < 9; i++) call(0, 'failed')
    assert.equal(circuit.state(0), 'closed')
    call(0, 'failed')
    assert.equal(circuit.state(0), 'open')
  })

  it('opens at its failure rate, not before', () => {
    const { circuit, call } = setUp({ failureRate: 0.3, window: { calls: 10 } })
    for (let i = 0; i < 8; i++) call(0, 'ok')
    call(0, 'failed')
    call(0, 'failed')
    assert.equal(circuit.state(0), 'closed')
    call(0, 'failed')
    assert.equal(circuit.state(0), 'open')
  })

  it('opens for slow successes: as failures, or by a rate of their own', () => {
    const counting = setUp({ slowCallMs: 200, failureRate: 0.3 })
    for (let i = 0; i < 10; i++) counting.call(i * 1_000, 'ok', i < 7 ? 200 : 201)
    assert.equal(counting.circuit.state(10_000), 'open')

    const apart = setUp({ slowCallMs: 200, slowCallRate: 0.8, failureRate: 0.3 })
    for (let i = 0; i < 10; i++) apart.call(i * 1_000, 'ok', i < 3 ? 0 : 201)
    assert.equal(apart.circuit.state(10_000), 'closed')
    apart.call(11_000, 'ok', 500)
    assert.equal(apart.circuit.state(12_000), 'open')
  })

  it('weighs calls that have ended only: those in flight neither thin the rate out nor fill the minimum', () => {
    const { circuit, admit, call } = setUp()
    for (let i = 0; i < 1_000; i++) admit(0)
    for (let i = 0; i < 9; i++) call(0, 'failed')
    assert.equal(circuit.state(0), 'closed')
    call(0, 'failed')
    assert.equal(circuit.state(0), 'open')
  })

  it('is half-open by the clock alone, and needs no timer to get there (opossum #719, cockatiel #91)', () => {
    const { circuit, trip, admit } = setUp()
    trip(0)
    assert.equal(circuit.state(999), 'open')
    assert.equal(admit(999), null)
    assert.equal(circuit.retryAfterMs(999), 1)
    assert.equal(circuit.state(1_000), 'half-open')
    assert.notEqual(admit(1_000), null)
  })

  it('lets just its probes through half-open, not everyone (safe-client-gateway 3442, resilience4j #1432, opossum #57)', () => {
    const { admit, trip } = setUp({ probes: 3 })
    trip(0)
    const admitted = Array.from({ length: 200 }, () => admit(1_000)).filter(permit => permit !== null)
    assert.equal(admitted.length, 3)
  })

  it('closes when enough probes have succeeded, more than one being asked for (cockatiel #73)', () => {
    const { circuit, admit, trip } = setUp({ probes: 5, successThreshold: 3 })
    trip(0)
    const probes = Array.from({ length: 5 }, () => admit(1_000)!)
    for (const [i, outcome] of (['ok', 'failed', 'ok', 'failed'] as const).entries()) {
      circuit.settle(probes[i]!, outcome, 1_010)
    }
    assert.equal(circuit.state(1_010), 'half-open')
    circuit.settle(probes[4]!, 'ok', 1_010)
    assert.equal(circuit.state(1_010), 'closed')
  })

  it('opens again, for longer each time up to a limit, when too many probes fail', () => {
    const { circuit, call, trip } = setUp({ openMs: 1_000, openFactor: 2, maxOpenMs: 3_000 })
    trip(0)
    const waits: number[] = []
    let now = 0
    for (let i = 0; i < 4; i++) {
      waits.push(circuit.retryAfterMs(now))
      now += circuit.retryAfterMs(now)
      call(now, 'failed')
    }
    assert.deepEqual(waits, [1_000, 2_000, 3_000, 3_000])
    now += 3_000
    for (let i = 0; i < 3; i++) call(now, 'ok')
    assert.equal(circuit.state(now), 'closed')
    trip(now)
    assert.equal(circuit.retryAfterMs(now), 1_000)
  })

  it('takes two failures at once for what they are, and still finds its way back (opossum #385)', () => {
    const { circuit, admit, call, trip } = setUp({ probes: 3 })
    trip(0)
    const [a, b] = [admit(1_000)!, admit(1_000)!]
    circuit.settle(a, 'failed', 1_001)
    circuit.settle(b, 'failed', 1_001)
    assert.equal(circuit.state(1_002), 'open')
    assert.equal(circuit.state(3_001), 'half-open')
    for (let i = 0; i < 3; i++) call(3_001, 'ok')
    assert.equal(circuit.state(3_001), 'closed')
  })

  it('gives the place of an aborted probe to the next at once (opossum #276, resilience4j #903, #1568)', () => {
    const { circuit, admit, trip } = setUp({ probes: 2 })
    trip(0)
    for (let i = 0; i < 100; i++) {
      const [a, b] = [admit(1_000), admit(1_000)]
      assert.equal(admit(1_000), null)
      circuit.settle(a!, 'aborted', 1_000)
      circuit.settle(b!, 'aborted', 1_000)
    }
    assert.equal(circuit.state(1_000), 'half-open')
  })

  it('fails a probe that hangs at its time, and half-open with it (resilience4j #935, #1389, #2093, opossum #119)', () => {
    const { circuit, admit, call, trip, states } = setUp({ probes: 3, probeTimeoutMs: 500 })
    trip(0)
    const hung = [admit(1_000)!, admit(1_100)!, admit(1_100)!]
    assert.equal(admit(1_499), null)
    // Seen at 1,600 or at 9,999: it opened at 1,500, for 2 s.
    assert.equal(circuit.state(1_600), 'open')
    assert.equal(circuit.retryAfterMs(1_600), 1_900)
    assert.equal(circuit.state(3_500), 'half-open')
    for (const permit of hung) assert.equal(circuit.settle(permit, 'ok', 3_500), false)
    for (let i = 0; i < 3; i++) call(3_500, 'ok')
    assert.equal(circuit.state(3_500), 'closed')
    assert.deepEqual(states, [
      'closed > open',
      'open > half-open',
      'half-open > open',
      'open > half-open',
      'half-open > closed'
    ])
  })

  it('counts a hung probe once, though it answers after its time within the same half-open', () => {
    const { circuit, admit, trip } = setUp({ probes: 3, successThreshold: 1, probeTimeoutMs: 500 })
    trip(0)
    const hung = admit(1_000)!
    assert.equal(circuit.settle(hung, 'ok', 1_600), false)
    assert.equal(circuit.state(1_600), 'half-open')
    assert.deepEqual(
      [admit(1_600), admit(1_600), admit(1_600)].map(permit => permit !== null),
      [true, true, false]
    )
  })

  it('leaves half-open alone when a call of an older generation ends, well or badly (cockatiel, opossum)', () => {
    const { circuit, admit, trip } = setUp({ probes: 2 })
    const old = [admit(0)!, admit(0)!, admit(0)!]
    trip(0)
    assert.notEqual(admit(1_000), null)
    const { generation } = circuit
    assert.equal(circuit.settle(old[0]!, 'failed', 1_001), false)
    assert.equal(circuit.settle(old[1]!, 'ok', 1_001), false)
    assert.equal(circuit.settle(old[2]!, 'ok', 1_001), false)
    assert.equal(circuit.state(1_001), 'half-open')
    assert.equal(circuit.generation, generation)
    assert.notEqual(admit(1_001), null)
    assert.equal(admit(1_001), null)
  })

  it('begins with an empty window once it has closed (opossum #484)', () => {
    const { circuit, call, trip } = setUp()
    trip(0)
    for (let i = 0; i < 3; i++) call(1_000, 'ok')
    for (let i = 0; i < 9; i++) call(1_000, 'failed')
    assert.equal(circuit.state(1_000), 'closed')
    assert.deepEqual([circuit.window.calls, circuit.window.failed], [9, 9])
  })

  it('lets a growing share in after it has closed, by the count of who asks, in place of a herd', () => {
    const { circuit, admit, call, trip } = setUp({ rampMs: 1_000, probes: 1 })
    trip(0)
    call(1_000, 'ok')
    assert.equal(circuit.state(1_000), 'closed')
    const let100In = (now: number) => Array.from({ length: 100 }, () => admit(now)).filter(Boolean).length
    assert.deepEqual([circuit.admits(1_000), circuit.admits(1_500)], [0.1, 0.55])
    assert.equal(circuit.retryAfterMs(1_400), 600)
    assert.deepEqual([let100In(1_000), let100In(1_500), let100In(1_999), let100In(2_000)], [10, 55, 100, 100])
  })

  it('lets the first caller in at once, however small the share', () => {
    const { admit, call, trip } = setUp({ rampMs: 1_000, probes: 1 })
    trip(0)
    call(1_000, 'ok')
    assert.deepEqual(
      [admit(1_000), admit(1_000)].map(permit => permit !== null),
      [true, false]
    )
  })

  it('opens again from the ramp at its failure rate, for longer, as from half-open', () => {
    const { circuit, admit, call, trip } = setUp({
      rampMs: 1_000,
      probes: 1,
      openMs: 1_000,
      window: { calls: 2 },
      minimumCalls: 2
    })
    trip(0)
    call(1_000, 'ok')
    call(1_000, 'failed')
    assert.equal(admit(1_500), null)
    call(1_999, 'failed')
    assert.equal(circuit.state(1_999), 'open')
    assert.equal(circuit.retryAfterMs(1_999), 2_000)
    // Once through the ramp it begins anew.
    call(3_999, 'ok')
    for (let i = 0; i < 2; i++) call(5_000, 'failed')
    assert.equal(circuit.retryAfterMs(5_000), 1_000)
  })

  it('is out of its ramp when it is held or reset by hand', () => {
    const { circuit, admit, call, trip } = setUp({ rampMs: 1_000, probes: 1 })
    for (const by of [() => circuit.reset(), () => circuit.force('forced-closed'), () => circuit.force('disabled')]) {
      circuit.reset()
      trip(0)
      call(1_000, 'ok')
      by()
      assert.ok(Array.from({ length: 20 }, () => admit(1_000)).every(Boolean))
      assert.equal(circuit.admits(1_000), 1)
    }
  })

  it('can be held open, held closed and switched off by hand', () => {
    const { circuit, admit, call } = setUp()
    circuit.force('forced-open')
    assert.equal(admit(1e9), null)
    circuit.force('forced-closed')
    for (let i = 0; i < 50; i++) call(0, 'failed')
    assert.equal(circuit.state(0), 'forced-closed')
    assert.equal(circuit.window.failed, 10)
    circuit.force('disabled')
    circuit.window.clear()
    for (let i = 0; i < 50; i++) call(0, 'failed')
    assert.equal(circuit.window.calls, 0)
    circuit.reset()
    assert.equal(circuit.state(0), 'closed')
  })

  it('refuses settings that could never work', () => {
    const bad: BreakerOptions[] = [
      { minimumCalls: 0 },
      { window: { calls: 5 }, minimumCalls: 6 },
      { failureRate: 0 },
      { failureRate: 1.1 },
      { slowCallRate: 0.5 },
      { openMs: 0 },
      { openFactor: 0.5 },
      { openMs: 100, maxOpenMs: 50 },
      { probes: 0 },
      { probes: 2, successThreshold: 3 },
      { probeTimeoutMs: Infinity },
      { rampMs: -1 }
    ]
    for (const options of bad) assert.throws(() => breakerSettings(options), RangeError, JSON.stringify(options))
  })
})
