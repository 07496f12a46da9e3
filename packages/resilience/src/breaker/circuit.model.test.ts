import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { type CallOutcome, Circuit, type Permit } from './circuit.ts'
import { breakerSettings } from './settings.ts'

type Step =
  | { do: 'admit' }
  | { do: 'settle'; which: number; outcome: CallOutcome }
  | { do: 'wait'; ms: number }
  | { do: 'look' }

/** Which permit: mostly one of the latest, so that the calls of the present state end too and not only old ones. */
const which = fc.oneof({ weight: 3, arbitrary: fc.integer({ min: -3, max: -1 }) }, { weight: 1, arbitrary: fc.nat(20) })
/** Long enough to pass a window, or just about as long as the machine waits somewhere. */
const ms = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom(0, 1, 50, 100, 149, 150, 200, 201, 999, 1_000, 2_000) },
  { weight: 1, arbitrary: fc.nat(100_000) }
)
const outcome = fc.constantFrom<CallOutcome>('ok', 'ok', 'failed', 'aborted')

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 6, arbitrary: fc.constant<Step>({ do: 'admit' }) },
  { weight: 6, arbitrary: fc.record({ do: fc.constant('settle' as const), which, outcome }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('wait' as const), ms }) },
  { weight: 1, arbitrary: fc.constant<Step>({ do: 'look' }) }
)

const settings = fc
  .record({
    window: fc.record({ calls: fc.integer({ min: 4, max: 12 }) }),
    minimumCalls: fc.integer({ min: 1, max: 4 }),
    failureRate: fc.constantFrom(0.05, 0.5, 1),
    slowCallMs: fc.constantFrom(200, Infinity),
    openMs: fc.constantFrom(100, 1_000),
    maxOpenMs: fc.constantFrom(1_000, 5_000),
    openFactor: fc.constantFrom(1, 2),
    probes: fc.integer({ min: 1, max: 5 }),
    probeTimeoutMs: fc.constantFrom(150, 2_000),
    rampMs: fc.constantFrom(0, 100, 1_000)
  })
  .chain(options =>
    fc
      .integer({ min: 1, max: options.probes })
      .map(successThreshold => breakerSettings({ ...options, successThreshold }))
  )

/**
 * The same machine, told as simply as it can be: lists instead of counters, and time that goes by a millisecond at a
 * time as far as anything can happen. It shares no code with the circuit.
 */
class Model {
  state: 'closed' | 'open' | 'half-open' = 'closed'
  readonly s: ReturnType<typeof breakerSettings>
  #now = 0
  #life = {}
  #ended: boolean[] = []
  #opens = 0
  #openUntil = 0
  #closedAt = -Infinity
  /** The share in force at each call that asked since it closed, and how many were let in. */
  #shares: number[] = []
  #letIn = 0
  #probes: { permit: Permit; result: 'out' | 'ok' | 'failed' }[] = []
  readonly #lives = new Map<Permit, object>()

  constructor(s: ReturnType<typeof breakerSettings>) {
    this.s = s
  }

  get probesOut(): number {
    return this.#probes.filter(probe => probe.result === 'out').length
  }

  get ramping(): boolean {
    return this.state === 'closed' && this.#now < this.#closedAt + this.s.rampMs
  }

  timeTo(now: number): void {
    for (;;) {
      const events = [
        ...(this.state === 'open' ? [this.#openUntil] : []),
        ...this.#probes.filter(p => p.result === 'out').map(p => p.permit.since + this.s.probeTimeoutMs)
      ].filter(at => at <= now)
      if (events.length === 0) break
      this.#now = Math.max(this.#now, Math.min(...events))
      if (this.state === 'open') this.#enter('half-open')
      else {
        const overdue = this.#probes.find(
          p => p.result === 'out' && p.permit.since + this.s.probeTimeoutMs <= this.#now
        )!
        overdue.result = 'failed'
        this.#judgeProbes()
      }
    }
    this.#now = now
  }

  admit(permit: Permit): boolean {
    if (this.state === 'open') return false
    if (this.state === 'half-open') {
      if (this.#probes.length >= this.s.probes) return false
      this.#probes.push({ permit, result: 'out' })
    }
    if (this.ramping) {
      this.#shares.push(Math.floor(1_000 + (9_000 * (this.#now - this.#closedAt)) / this.s.rampMs))
      // As many as the shares add up to, the first who asks being let in.
      const due = this.#shares.reduce((sum, share) => sum + share, 9_000)
      if (Math.floor(due / 10_000) <= this.#letIn) return false
      this.#letIn++
    }
    this.#lives.set(permit, this.#life)
    return true
  }

  settle(permit: Permit, outcome: CallOutcome): void {
    if (this.#lives.get(permit) !== this.#life) return
    const bad = outcome === 'failed' || this.#now - permit.since > this.s.slowCallMs
    if (this.state === 'half-open') {
      const probe = this.#probes.find(p => p.permit === permit && p.result === 'out')
      if (probe === undefined) return
      if (outcome === 'aborted') this.#probes.splice(this.#probes.indexOf(probe), 1)
      else probe.result = bad ? 'failed' : 'ok'
      this.#judgeProbes()
    } else if (outcome !== 'aborted') {
      this.#ended.push(bad)
      const window = this.#ended.slice(-(this.s.window as { calls: number }).calls)
      const rate = window.filter(Boolean).length / window.length
      if (window.length >= this.s.minimumCalls && rate >= this.s.failureRate) {
        if (!this.ramping) this.#opens = 0
        this.#open()
      }
    }
  }

  #judgeProbes(): void {
    const number = (result: string) => this.#probes.filter(p => p.result === result).length
    if (number('ok') >= this.s.successThreshold) {
      this.#enter('closed')
      this.#closedAt = this.#now
      this.#shares = []
      this.#letIn = 0
    } else if (number('failed') > this.s.probes - this.s.successThreshold) this.#open()
  }

  #open(): void {
    this.#openUntil = this.#now + Math.min(this.s.maxOpenMs, this.s.openMs * this.s.openFactor ** this.#opens)
    this.#opens++
    this.#enter('open')
  }

  #enter(state: 'closed' | 'open' | 'half-open'): void {
    this.state = state
    this.#life = {}
    this.#ended = []
    this.#probes = []
  }
}

describe('a circuit and its model', () => {
  it('agree on every call through random calls, late answers, aborts and jumps of the clock', () => {
    const seen = new Set<string>()
    fc.assert(
      fc.property(settings, fc.array(step, { maxLength: 150, size: 'max' }), (s, steps) => {
        const circuit = new Circuit(s)
        const model = new Model(s)
        const permits: Permit[] = []
        let now = 0
        for (const what of steps) {
          if (what.do === 'wait') now += what.ms
          model.timeTo(now)
          if (what.do === 'admit') {
            const permit = { generation: -1, since: now }
            const admitted = circuit.admit(permit, now)
            assert.equal(admitted, model.admit(permit), `admitted at ${now} while ${model.state}`)
            if (admitted) permits.push(permit)
          } else if (what.do === 'settle' && permits.length > 0) {
            const [permit] = permits.splice(Math.max(what.which % permits.length, -permits.length), 1)
            circuit.settle(permit!, what.outcome, now)
            model.settle(permit!, what.outcome)
          } else if (what.do === 'look') {
            assert.equal(circuit.state(now), model.state)
          }
          assert.ok(model.probesOut <= s.probes)
          seen.add(model.ramping ? 'ramp' : model.state)
        }
        assert.equal(circuit.state(now), model.state)

        // Never stuck: left alone by those who hold its permits, it closes as soon as the dependency is well.
        now += s.maxOpenMs + s.probeTimeoutMs * (s.probes + 1) + s.maxOpenMs
        for (let i = 0; i < s.probes && circuit.state(now) !== 'closed'; i++) {
          const permit = { generation: -1, since: 0 }
          assert.ok(circuit.admit(permit, now), `refused while ${circuit.state(now)}`)
          circuit.settle(permit, 'ok', now)
        }
        assert.equal(circuit.state(now), 'closed')
      }),
      { numRuns: 500 }
    )
    assert.deepEqual([...seen].sort(), ['closed', 'half-open', 'open', 'ramp'])
  })
})
