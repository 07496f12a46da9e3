import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { recordOf, type SdkLine } from './clients/sdk-journal.ts'
import { expect, type LogEntry } from './reconcile.ts'
import { accountOf } from './sdk-account.ts'

const user = 'by-sdk-test'
const call = (tag: string, spoilt?: boolean): SdkLine => ({
  do: 'call',
  tag,
  feature: 'tides',
  at: 5,
  ...(spoilt ? { spoilt } : {})
})
/** Two whole lives; the second was killed in the middle of its third call. */
const lines: SdkLine[] = [
  { do: 'begin', at: 1 },
  { do: 'session', session: 's1', at: 2 },
  call('a'),
  { do: 'called', tag: 'a' },
  { do: 'end', session: 's1', at: 6 },
  { do: 'ended', session: 's1' },
  { do: 'begin', at: 7 },
  { do: 'session', session: 's2', at: 8 },
  call('b', true),
  { do: 'called', tag: 'b' },
  call('c')
]
let ids = 0
const entry = (type: string, session: string, tag: string | null = null): LogEntry => ({
  id: `id-${++ids}`,
  type,
  session,
  user,
  feature: tag && 'tides',
  call: tag,
  recordedAt: 10
})
const whole = () => [
  entry('session.start', 's1'),
  entry('feature.used', 's1', 'a'),
  entry('session.end', 's1'),
  entry('session.start', 's2')
]
function judged(log: LogEntry[], told: number, more: SdkLine[] = []) {
  const expected = expect([])
  const record = { name: 'sdk-test', ...recordOf(user, [...lines, ...more]) }
  const { recorded, accepted, missingUnsure, lost, doubled, toldTooOften } = accountOf([record], log, told, expected)
  return { recorded, accepted, missingUnsure, lost, doubled, toldTooOften, expected }
}
const faultsOf = ({ lost, doubled, toldTooOften }: ReturnType<typeof judged>) => [lost, doubled, toldTooOften]

describe('account of an SDK whose process is killed', () => {
  it('is even when what is sure is in the log or told, and the call in whose middle it died is missing', () => {
    const { expected, ...sums } = judged(whole(), 1)
    assert.deepEqual(sums, { recorded: 5, accepted: 4, missingUnsure: 1, lost: 0, doubled: 0, toldTooOften: 0 })
    assert.deepEqual(Object.fromEntries(expected.sessions), { s1: 3, s2: 1 })
    assert.deepEqual(Object.fromEntries(expected.features), { tides: 1 })
  })

  it('is even as well when that call is in the log, or was told as lost', () => {
    assert.deepEqual(faultsOf(judged([...whole(), entry('feature.used', 's2', 'c')], 1)), [0, 0, 0])
    assert.deepEqual(faultsOf(judged(whole(), 2)), [0, 0, 0])
  })

  it('says what is missing and was not told, and what was told and is not missing', () => {
    assert.deepEqual(faultsOf(judged(whole(), 0)), [1, 0, 0])
    assert.deepEqual(faultsOf(judged(whole().slice(1), 1)), [1, 0, 0])
    assert.deepEqual(faultsOf(judged(whole(), 3)), [0, 0, 1])
  })

  it('says what is there twice, sure or not', () => {
    const twice = (...entries: LogEntry[]) => faultsOf(judged([...whole(), ...entries], 1))
    assert.deepEqual(twice(entry('feature.used', 's1', 'a')), [0, 1, 0])
    assert.deepEqual(twice(entry('feature.used', 's2', 'c'), entry('feature.used', 's2', 'c')), [0, 1, 0])
    assert.deepEqual(twice(entry('session.start', 's1')), [0, 1, 0])
    assert.deepEqual(twice(entry('session.end', 's1')), [0, 1, 0])
  })

  it('says what nobody recorded', () => {
    const more = (one: LogEntry) => faultsOf(judged([...whole(), one], 1))
    assert.deepEqual(more(entry('feature.used', 's1', 'z')), [0, 1, 0])
    assert.deepEqual(more(entry('session.end', 's2')), [0, 1, 0])
    assert.deepEqual(more(entry('session.heartbeat', 's1')), [0, 1, 0])
  })

  it('allows one session that nobody knows for a life that died before it could say which', () => {
    const unknown = entry('session.start', 's3')
    assert.deepEqual(faultsOf(judged([...whole(), unknown], 1)), [0, 1, 0])
    assert.deepEqual(faultsOf(judged([...whole(), unknown], 1, [{ do: 'begin', at: 9 }])), [0, 0, 0])
    assert.equal(judged(whole(), 1, [{ do: 'begin', at: 9 }]).missingUnsure, 2)
  })
})
