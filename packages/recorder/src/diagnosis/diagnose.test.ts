import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { BlackBoxRecord, Occurrence, Sample, Source } from '../record.ts'
import type { Found } from './causes.ts'
import { diagnose } from './diagnose.ts'
import type { Rule } from './rule.ts'
import { timeline } from './span.ts'

const start = Date.UTC(2026, 0, 2, 12)

const sample = (second: number, values: Sample['values'], source: Source = 'platform'): Sample => ({
  kind: 'sample',
  at: start + second * 1_000,
  source,
  values
})
const seconds = (from: number, to: number, values: (second: number) => Sample['values'], source?: Source) =>
  Array.from({ length: to - from }, (_, i) => sample(from + i, values(from + i), source))
const well = (from: number, to: number): BlackBoxRecord[] => [
  ...seconds(from, to, () => ({ 'cpu.machine': 0.2 })),
  ...seconds(from, to, () => ({ 'platform.phase': 1, 'platform.silent': 300 }), 'watcher')
]
const occurrence = (second: number, name: string, detail: Occurrence['detail'] = {}): Occurrence => ({
  kind: 'occurrence',
  at: start + second * 1_000,
  source: 'watcher',
  name,
  detail
})

const found = (subject: string, since: number, until?: number): Found => ({
  subject,
  title: `${subject} is ill`,
  evidence: [],
  cost: 'nothing',
  since: start + since * 1_000,
  ...(until !== undefined && { until: start + until * 1_000 })
})
const rule = (name: string, explains: string[], ...findings: Found[]): Rule => ({
  name,
  about: name,
  explains,
  lever: { name: 'lever', action: 'pull', page: 'docs/levers.md' },
  find: () => findings
})

describe('a timeline', () => {
  const records = [
    ...seconds(-700, 0, second => ({ a: second, 'dependency.metadata.p99': 6 })),
    ...seconds(-60, 0, second => ({ a: -second, b: 1 }), 'watcher'),
    occurrence(-30, 'breaker'),
    occurrence(-90, 'exit')
  ]
  const seen = timeline(records, { at: start })

  it('cuts what is recent from what is usual, at the moment that is judged', () => {
    assert.equal(seen.recent.samples('platform').length, 59)
    assert.equal(seen.usual.samples('platform').length, 600)
    assert.deepEqual(
      seen.recent.occurrences().map(({ name }) => name),
      ['breaker']
    )
    assert.equal(seen.usual.occurrences('exit').length, 1)
    assert.equal(timeline(records, { at: start - 30_000, recentMs: 1_000 }).recent.samples('platform').length, 1)
  })

  it('gives a series of the platform where both measured it, and of the watcher where that alone did', () => {
    assert.equal(seen.recent.series('a').at(-1)?.value, -1)
    assert.equal(seen.recent.series('a', 'watcher').at(-1)?.value, 1)
    assert.equal(seen.recent.series('b').length, 59)
    assert.deepEqual(seen.recent.series('c'), [])
  })

  it('knows the subjects of a family', () => {
    assert.deepEqual(seen.recent.subjects('dependency'), ['metadata'])
    assert.deepEqual(seen.recent.subjects('store'), [])
  })
})

describe('causes and symptoms', () => {
  const causesOf = (...rules: Rule[]) =>
    diagnose(well(-100, 0), { rules, at: start }).causes.map(function name({ rule, symptoms }): unknown {
      return symptoms.length === 0 ? rule : [rule, ...symptoms.map(name)]
    })

  it('puts a chain under its root, the nearest cause above each', () => {
    const slow = rule('slow', ['pool', 'late'], found('metadata', -20))
    const pool = rule('pool', ['late'], found('primary', -15))
    const late = rule('late', [], found('ingest', -10))
    assert.deepEqual(causesOf(late, pool, slow), [['slow', ['pool', 'late']]])
  })

  it('sees a symptom a moment before its cause', () => {
    assert.deepEqual(causesOf(rule('symptom', [], found('b', -22)), rule('cause', ['symptom'], found('a', -20))), [
      ['cause', 'symptom']
    ])
  })

  it('leaves apart what does not overlap in time, and tells what goes on before what is over', () => {
    assert.deepEqual(causesOf(rule('cause', ['symptom'], found('a', -50, -40)), rule('symptom', [], found('b', -10))), [
      'symptom',
      'cause'
    ])
  })

  it('hangs nothing that goes on under a cause that has been over for long', () => {
    const over = (until: number) => rule('cause', ['symptom'], found('a', -40, until))
    assert.deepEqual(causesOf(over(-30), rule('symptom', [], found('b', -32))), ['symptom', 'cause'])
    assert.deepEqual(causesOf(over(-5), rule('symptom', [], found('b', -32))), [['cause', 'symptom']])
  })

  it('hangs nothing under a cause that it is older than, unless what leads up to it is understood by its end', () => {
    const slow = rule('slow', [], found('metadata', -90))
    const blocked = (since: number) => rule('blocked', ['slow'], found('loop', since))
    assert.deepEqual(causesOf(blocked(-5), slow), ['blocked', 'slow'])
    assert.deepEqual(causesOf(blocked(-65), slow), [['blocked', 'slow']])
    const ended = { ...rule('ended', ['leak', 'slow'], found('platform', -5)), explainsEarlier: ['leak'] }
    assert.deepEqual(causesOf(ended, rule('leak', [], found('platform', -90)), slow), [['ended', 'leak'], 'slow'])
  })

  it('takes what is older than all that was read for no older than the rest of it', () => {
    const held = rule('held', [], found('primary', -2_000))
    assert.deepEqual(causesOf(rule('slow', ['held'], found('metadata', -655)), held), [['slow', 'held']])
    assert.deepEqual(causesOf(rule('slow', ['held'], found('metadata', -600)), held), ['slow', 'held'])
  })

  it('explains what began later, and of the same second only what does not explain it', () => {
    const over = { ...rule('overload', [], found('platform', -20)), explainsLater: ['slow', 'late'] }
    const slow = (since: number) => rule('slow', ['overload'], found('metadata', since))
    assert.deepEqual(causesOf(over, slow(-10)), [['overload', 'slow']])
    assert.deepEqual(causesOf(over, slow(-20)), [['slow', 'overload']])
    assert.deepEqual(causesOf(over, rule('late', [], found('metadata', -22))), [['overload', 'late']])
    assert.deepEqual(causesOf(over, rule('late', [], found('metadata', -25))), ['overload', 'late'])
  })

  it('puts what only says that something is wrong under whatever else was found then', () => {
    const failing: Rule = { ...rule('failing', [], found('platform', -20)), isSymptomOfAll: true }
    assert.deepEqual(causesOf(rule('any', [], found('it', -25)), failing), [['any', 'failing']])
    assert.deepEqual(causesOf(rule('any', [], found('it', -70, -60)), failing), ['failing', 'any'])
    assert.deepEqual(causesOf(failing), ['failing'])
  })

  it('takes the first of two that explain each other, also around a corner, for the cause', () => {
    const a = rule('a', ['b'], found('a', -30))
    const b = rule('b', ['c'], found('b', -20))
    const c = rule('c', ['a'], found('c', -40))
    assert.deepEqual(causesOf(a, b, c), [['c', ['a', 'b']]])
  })

  it('binds all subjects of a cause that has several', () => {
    const both = { ...rule('cause', [], { ...found('primary', -20), also: ['read'] }), explainsOfSubject: ['late'] }
    assert.deepEqual(causesOf(both, rule('late', [], found('read', -10))), [['cause', 'late']])
  })

  it('binds subjects where a rule says so', () => {
    const cause = { ...rule('cause', [], found('metadata', -20)), explainsOfSubject: ['breaker'] }
    assert.deepEqual(causesOf(cause, rule('breaker', [], found('metadata', -10), found('billing', -10))), [
      ['cause', 'breaker'],
      'breaker'
    ])
  })

  it('names a rule that throws, and asks the others all the same', () => {
    const broken = { ...rule('broken', []), find: () => assert.fail('a fault of mine') }
    const { causes, failedRules } = diagnose(well(-100, 0), {
      rules: [broken, rule('other', [], found('a', -5))],
      at: start
    })
    assert.deepEqual(failedRules, [{ rule: 'broken', message: 'a fault of mine' }])
    assert.equal(causes.length, 1)
  })
})

describe('the state', () => {
  const stateOf = (records: BlackBoxRecord[], ...rules: Rule[]) => {
    const { state, summary } = diagnose(records, { rules, at: start })
    return [state, summary]
  }

  it('is healthy, and says what is nearest to its limit', () => {
    assert.deepEqual(stateOf(well(-100, 0)), [
      'healthy',
      'Healthy. Nearest to its limit: processors of the machine, 20 % used.'
    ])
  })

  it('is degraded while a cause goes on, and healthy when it is over', () => {
    assert.match(
      stateOf(well(-100, 0), rule('r', [], found('it', -9)))[1]!,
      /^Not as it should be since 11:59:51 UTC. it is ill/
    )
    assert.match(
      stateOf(well(-100, 0), rule('r', [], found('it', -9, -5)))[1]!,
      /^Healthy. Until 11:59:55 UTC it was not/
    )
  })

  it('is down when the watcher says so, when both are silent, and when the platform was stopped', () => {
    const down = seconds(-30, 0, () => ({ 'platform.phase': 2 }), 'watcher')
    assert.deepEqual(stateOf([...well(-100, -30), ...down]), [
      'down',
      'Down. The platform was last heard at 11:59:29 UTC, and no rule knows why.'
    ])
    assert.equal(stateOf(well(-100, -20))[0], 'down')
    const close = { ...occurrence(-19, 'close', { why: 'SIGTERM', code: 0 }), source: 'platform' } as const
    const stopped = stateOf([...well(-100, -20), close])
    assert.deepEqual(stopped, ['down', 'Stopped at 11:59:41 UTC, as it was told to (SIGTERM).'])
  })

  it('is down while it starts, and says that it starts', () => {
    const starting = seconds(-5, 0, () => ({ 'platform.phase': 0 }), 'watcher')
    assert.deepEqual(stateOf(starting), ['down', 'Starting, since 11:59:55 UTC: it is not ready yet.'])
  })

  it('says why it stopped where nobody told it to', () => {
    const close = { ...occurrence(-19, 'close', { why: 'the watcher is gone', code: 0 }), source: 'platform' } as const
    assert.equal(stateOf([...well(-100, -20), close])[1], 'Stopped at 11:59:41 UTC: the watcher is gone.')
  })

  it('is down from the moment of an exit', () => {
    assert.equal(stateOf([...well(-100, 0), occurrence(-0.5, 'exit')])[0], 'down')
    assert.equal(stateOf([...well(-100, 0), occurrence(-20, 'exit')])[0], 'healthy')
  })

  it('is down while the main loop is stuck, though the process is there', () => {
    const stuck = seconds(
      -20,
      0,
      second => ({ 'platform.phase': 1, 'platform.silent': (second + 20) * 1_000 }),
      'watcher'
    )
    assert.equal(stateOf([...well(-100, -20), ...stuck])[0], 'down')
  })

  it('is unknown without records, and healthy where the platform has no watcher', () => {
    assert.equal(stateOf([])[0], 'unknown')
    assert.equal(stateOf(seconds(-50, 0, () => ({ a: 1 })))[0], 'healthy')
  })
})

describe('what is nearest to its limit', () => {
  const limitsOf = (values: (second: number) => Sample['values']) =>
    diagnose(seconds(-600, 0, values), { rules: [], at: start }).limits

  it('says when it gets there, if it goes that way', () => {
    const [first] = limitsOf(second => ({ 'memory.rss': 600e6 + second * 500e3, 'memory.limit': 1_000e6 }))
    assert.equal(first?.what, 'memory of the platform')
    assert.ok(Math.abs(first.reachedAt! - (start + 800_000)) < 5_000, String(first.reachedAt))
  })

  it('sees no trend in what goes up and down, nor in what gets better', () => {
    const sawtooth = limitsOf(second => ({ 'memory.heap': 300e6 + (second % 37) * 5e6, 'memory.heap.limit': 1_000e6 }))
    assert.equal(sawtooth[0]?.reachedAt, undefined)
    const better = limitsOf(second => ({ 'disk.free': 50e9 + second * 1e6, 'disk.total': 100e9 }))
    assert.equal(better[0]?.reachedAt, undefined)
  })

  it('puts what fills up soon before what is fuller', () => {
    const [first, second] = limitsOf(second => ({
      'disk.free': 30e9,
      'disk.total': 100e9,
      'files.open': 500 + second / 2,
      'files.limit': 1_000
    }))
    assert.equal(first?.what, 'open files of the platform')
    assert.equal(second?.share, 0.7)
  })

  it('counts what comes and goes by what was taken most of the time', () => {
    const [first] = limitsOf(second => ({
      'store.primary.in-use': second % 10 === 0 ? 10 : 1,
      'store.primary.size': 10
    }))
    assert.deepEqual([first?.what, first?.share], ['connections to the store primary', 0.1])
  })
})
