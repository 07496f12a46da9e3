import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { diagnose } from '../diagnosis/diagnose.ts'
import { Tape } from './tape.ts'

const rulesOf = (tape: Tape, options = {}) => diagnose(tape.records, options).causes.map(({ rule }) => rule)
const silent = { silentMs: 3_600_000 }

describe('platform and watcher that fall silent at once', () => {
  it('have ended with their machine or container', () => {
    const tape = new Tape().seconds(60)
    assert.deepEqual(rulesOf(tape), [], 'not while something is recorded')
    const { causes, state } = diagnose(tape.records, silent)
    assert.equal(state, 'down')
    assert.equal(causes[0]?.rule, 'both-ended')
    assert.match(causes[0].title, /machine, its container or both processes/)
    assert.match(causes[0].lever.action, /npx plimsoll up/)
    assert.equal(causes[0].until, undefined)
  })

  it('have ended with the machine where that was started again, though more of one file is missing', () => {
    const tape = new Tape().seconds(60).silence(20, {})
    assert.deepEqual(rulesOf(tape, silent), [])
    const [first] = diagnose(tape.records, { ...silent, rebooted: true }).causes
    assert.match(first?.title ?? '', /^The machine was restarted or lost its power/)
  })

  it('did as they were told where they were told', () => {
    const stopped = new Tape().seconds(60).happens('signal', {}, 'SIGTERM', 'watcher')
    stopped
      .happens('close', { why: 'SIGTERM', code: 0 })
      .happens('exit', { code: 0, signal: null }, undefined, 'watcher')
    stopped.happens('close', { why: 'the platform was stopped' }, undefined, 'watcher')
    assert.deepEqual(rulesOf(stopped, silent), [])
    const killed = new Tape().seconds(60).happens('exit', { code: null, signal: 'SIGKILL' }, undefined, 'watcher')
    assert.deepEqual(rulesOf(killed, silent), ['platform-killed'])
  })

  it('ended by the watcher where the platform says so', () => {
    const tape = new Tape().seconds(60).happens('close', { why: 'the watcher is gone', code: 0 })
    const [first] = diagnose(tape.records, silent).causes
    assert.match(first?.title ?? '', /^The watcher ended without a word/)
  })

  it('are told of for a minute after they were started again', () => {
    const tape = new Tape().seconds(60)
    tape.at += 120_000
    tape.happens('start', {}, undefined, 'watcher').silence(1, { 'platform.phase': 0 }).happens('start')
    assert.equal(diagnose(tape.records).causes[0]?.until, undefined)
    tape.silence(2, { 'platform.phase': 0 }).happens('ready').seconds(50)
    const [first] = diagnose(tape.records).causes
    assert.equal(first?.rule, 'both-ended')
    assert.equal(first.until! - first.since, 123_000)
    assert.deepEqual(rulesOf(tape.seconds(15)), [])
  })

  it('are not told of at a first start, nor when the machine only slept', () => {
    const first = new Tape().happens('start', {}, undefined, 'watcher').happens('start').happens('ready').seconds(30)
    assert.deepEqual(rulesOf(first), [])
    const slept = new Tape().seconds(60)
    slept.at += 120_000
    assert.deepEqual(rulesOf(slept.seconds(10)), [])
  })
})
