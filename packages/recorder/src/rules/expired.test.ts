import assert from 'node:assert/strict'
import { test } from 'node:test'
import { diagnose } from '../diagnosis/diagnose.ts'
import { Tape, type Values } from './tape.ts'

/** So many seconds in which each try to connect is refused. */
function refused(tape: Tape, seconds: number, values: Values = {}): Tape {
  const refusal = { code: 'CERT_HAS_EXPIRED', message: 'certificate has expired', count: 3 }
  for (let second = 0; second < seconds; second++) {
    tape.seconds(1, typeof values === 'function' ? values(second) : values)
    tape.happens('error', refusal, 'metadata')
    tape.happens('error', refusal, 'background')
  }
  return tape
}

test('a certificate whose time is over, since the first refusal and not since a moment ago', () => {
  const tape = new Tape().seconds(60)
  assert.deepEqual(diagnose(tape.records).causes, [])
  const began = tape.at + 1_000
  for (const seconds of [4, 200]) {
    const [first, ...others] = diagnose(refused(tape, seconds).records).causes
    assert.deepEqual(others, [], 'what is told without a name is no second one')
    assert.deepEqual([first?.rule, first?.subject, first?.since], ['expired', 'metadata', began])
    assert.equal(first?.evidence[1]?.text, `${3 * (seconds === 4 ? 4 : 204)} such answers; before it was none`)
  }
  tape.seconds(15)
  assert.deepEqual(diagnose(tape.records).causes, [])
})

test('refused for longer than is looked back: since the end of the certificate, where that is known', () => {
  const tape = new Tape().seconds(60)
  const end = tape.at - 5_000
  refused(tape, 900, () => ({ 'expiry.metadata': end - tape.at - 1_000 }))
  const [first] = diagnose(tape.records).causes
  assert.equal(first?.rule, 'expired')
  assert.equal(first.since, end)
  assert.match(first.evidence[2]!.text, /ended 15\.\d min ago/)
})

test('a certificate that has ended and is refused by nobody is no cause', () => {
  const tape = new Tape().seconds(60).seconds(60, { 'expiry.primary': -5_000, 'http.denied': 40 })
  assert.ok(!diagnose(tape.records).causes.some(({ rule }) => rule === 'expired'))
})

test('the broker is named by itself, since its relay works in the background', () => {
  const tape = new Tape().seconds(60)
  tape.happens('broker', { state: 'away', why: 'certificate has expired' }, 'redis')
  for (let second = 0; second < 20; second++)
    tape.happens('error', { code: 'CERT_HAS_EXPIRED', message: 'certificate has expired' }, 'background').seconds(1)
  const found = diagnose(tape.records).causes.filter(({ rule }) => rule === 'expired')
  assert.deepEqual(
    found.map(({ subject }) => subject),
    ['redis']
  )
})
