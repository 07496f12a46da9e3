import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { Problem, problem } from '@plimsoll/http'
import { manualClock } from '@plimsoll/resilience'
import { Answers, type AnswersOptions } from './answers.ts'

/** Answers over a store that a test can break, and of which it decides when each answer is there. */
function answers(options: Partial<AnswersOptions> = {}) {
  const clock = manualClock()
  const state = { now: 1_000_000, made: 0 }
  const subject = new Answers<string>({ now: () => state.now, clock, ...options })
  const waiting: { answer(text: string): void; fail(error: unknown): void }[] = []
  const make = () => {
    state.made++
    return new Promise<string>((answer, fail) => waiting.push({ answer, fail }))
  }
  const instant = (text: string) => async () => {
    state.made++
    return text
  }
  const broken = async () => {
    state.made++
    throw new Error('connection refused')
  }
  return { state, subject, waiting, make, instant, broken, clock, tick: (ms: number) => clock.advance(ms) }
}
const settled = () => new Promise<void>(resolve => setImmediate(resolve))
const unavailable = (error: unknown) =>
  error instanceof Problem &&
  error.status === 503 &&
  error.code === 'read_store_unavailable' &&
  error.headers['retry-after'] === '2'

describe('answers', () => {
  it('are made once for all who ask at the same time', async () => {
    const { state, subject, waiting, make } = answers()
    const asking = Promise.all(Array.from({ length: 10 }, () => subject.give('q', make)))
    assert.equal(state.made, 1)
    waiting[0]!.answer('one')
    assert.ok((await asking).every(given => given.answer === 'one' && !given.stale && given.madeAt === state.now))
  })

  it('are let go by their length, the least lately asked for first, and never the newest', async () => {
    const { state, subject, instant } = answers({ capacityChars: 200 })
    const isKept = async (question: string) => {
      const before = state.made
      await subject.give(question, instant('x'))
      return state.made === before
    }
    await subject.give('a', instant('a'.repeat(80)))
    await subject.give('b', instant('b'.repeat(80)))
    assert.ok(await isKept('a'))
    await subject.give('c', instant('c'.repeat(80)))
    assert.deepEqual([await isKept('a'), await isKept('c')], [true, true])
    assert.equal(await isKept('b'), false)
    await subject.give('d', instant('d'.repeat(500)))
    assert.ok(await isKept('d'))
    // One that has grown counts as what it is now, and short ones find room again.
    state.now += 700
    await subject.give('d', instant('d'))
    await settled()
    for (const question of ['e', 'f', 'g']) await subject.give(question, instant(question))
    for (const question of ['d', 'e', 'f', 'g']) assert.ok(await isKept(question), question)
  })

  it('are shared for half a second, and then given at once while the next is made', async () => {
    const { state, subject, instant } = answers()
    await subject.give('q', instant('old'))
    const madeAt = state.now
    state.now += 499
    assert.deepEqual(await subject.give('q', instant('new')), { answer: 'old', madeAt, stale: false })
    assert.equal(state.made, 1)
    state.now += 1
    assert.deepEqual(await subject.give('q', instant('new')), { answer: 'old', madeAt, stale: false })
    assert.equal(state.made, 2)
    await settled()
    assert.deepEqual(await subject.give('q', instant('never')), { answer: 'new', madeAt: state.now, stale: false })
  })

  it('are waited for when the last is old, with one maker for all', async () => {
    const { state, subject, waiting, make, instant } = answers()
    await subject.give('q', instant('old'))
    state.now += 5_000
    const asking = Promise.all([subject.give('q', make), subject.give('q', make)])
    await settled()
    waiting[0]!.answer('new')
    assert.deepEqual(await asking, Array(2).fill({ answer: 'new', madeAt: state.now, stale: false }))
    assert.equal(state.made, 2)
  })

  it('are the last good ones, with their age, when the store fails', async () => {
    const { state, subject, instant, broken } = answers()
    await subject.give('q', instant('good'))
    const madeAt = state.now
    for (const later of [5_000, 60_000, 86_400_000]) {
      state.now = madeAt + later
      assert.deepEqual(await subject.give('q', broken), { answer: 'good', madeAt, stale: true })
    }
    assert.equal(state.made, 4, 'each time it was tried again')
    assert.equal((await subject.give('q', instant('back'))).answer, 'back')
  })

  it('are the last good ones when the store is slow: after two seconds, not after its time-out', async () => {
    const { state, subject, waiting, make, instant, tick } = answers()
    await subject.give('q', instant('good'))
    const madeAt = state.now
    state.now += 10_000
    const asking = subject.give('q', make)
    await settled()
    tick(1_999)
    let done = false
    void asking.then(() => {
      done = true
    })
    await settled()
    assert.equal(done, false)
    tick(1)
    assert.deepEqual(await asking, { answer: 'good', madeAt, stale: true })
    waiting[0]!.answer('late')
    await settled()
    assert.equal((await subject.give('q', instant('never'))).answer, 'late', 'what came late is the answer to the next')
    assert.equal(state.made, 2)
  })

  it('are an error only while there never was one', async () => {
    const { subject, instant, broken, make, tick } = answers()
    await assert.rejects(subject.give('q', broken), unavailable)
    const mute = subject.give('mute', make)
    tick(4_999)
    assert.equal(await Promise.race([mute.catch(() => 'gave up'), settled().then(() => 'waits')]), 'waits')
    tick(1)
    await assert.rejects(mute, unavailable)
    assert.equal((await subject.give('q', instant('good'))).answer, 'good')
  })

  it('say themselves when the question cannot be answered', async () => {
    const { subject } = answers()
    const refusing = async () => {
      throw problem(400, 'invalid_range', 'no')
    }
    await assert.rejects(subject.give('q', refusing), { code: 'invalid_range' })
  })

  it('are kept in bounded number, the least lately asked for going first', async () => {
    const { state, subject, instant } = answers({ capacity: 3 })
    for (const question of ['a', 'b', 'c']) await subject.give(question, instant(question))
    await subject.give('a', instant('never'))
    await subject.give('d', instant('d'))
    state.made = 0
    for (const question of ['a', 'c', 'd']) await subject.give(question, instant('never'))
    assert.equal(state.made, 0)
    await subject.give('b', instant('again'))
    assert.equal(state.made, 1)
  })

  it('of a mute store are waited for in bounded number too', async () => {
    const { state, subject, make, tick } = answers({ capacity: 3 })
    const asking = ['a', 'b', 'c'].map(question => subject.give(question, make))
    const again = subject.give('a', make)
    await assert.rejects(subject.give('d', make), unavailable)
    assert.equal(state.made, 3)
    tick(5_000)
    for (const given of [...asking, again]) await assert.rejects(given, unavailable)
  })

  it('are the last good ones for a caller whose deadline is sooner than our patience', async () => {
    const { state, subject, make, instant, clock, tick } = answers()
    await subject.give('q', instant('good'))
    const last = { answer: 'good', madeAt: state.now, stale: true }
    state.now += 10_000
    const hasty = subject.give('q', make, { deadline: clock.now() + 50 })
    const patient = subject.give('q', make, { deadline: clock.now() + 60_000 })
    tick(50)
    assert.deepEqual(await hasty, last)
    let done = false
    void patient.then(() => {
      done = true
    })
    tick(1_949)
    await settled()
    assert.equal(done, false)
    tick(1)
    assert.deepEqual(await patient, last)
    assert.equal(state.made, 2, 'both waited for the same')
  })

  it('that were never there are refused at the caller’s deadline, as slow and not as down', async () => {
    const { state, subject, waiting, make, instant, clock, tick } = answers()
    const tooSlow = { status: 503, code: 'read_store_slow' }
    const hasty = subject.give('q', make, { deadline: clock.now() + 50 })
    tick(50)
    await assert.rejects(hasty, tooSlow)
    await assert.rejects(subject.give('other', make, { deadline: clock.now() }), tooSlow)
    assert.equal(state.made, 1, 'nothing is begun for someone who has left')
    waiting[0]!.answer('late')
    await settled()
    assert.equal((await subject.give('q', instant('never'), { deadline: clock.now() })).answer, 'late')
  })

  it('that must be new are not those of a first one that began before, unless it holds what is wanted', async () => {
    const { state, subject, waiting, make, clock, tick } = answers()
    const first = subject.give('q', make)
    const newer = [subject.give('q', make, { renew: true }), subject.give('q', make, { renew: true })]
    const satisfied = subject.give('q', make, { renew: true, holds: answer => answer === 'before' })
    const hasty = subject.give('q', make, { renew: true, deadline: clock.now() + 50 })
    tick(50)
    await assert.rejects(hasty, { code: 'read_store_slow' })
    assert.equal(state.made, 1)
    waiting[0]!.answer('before')
    assert.deepEqual([(await first).answer, (await satisfied).answer], ['before', 'before'])
    await settled()
    assert.equal(state.made, 2, 'one maker for both')
    waiting[1]!.answer('after')
    assert.deepEqual(
      (await Promise.all(newer)).map(({ answer }) => answer),
      ['after', 'after']
    )
  })

  it('that must be new are asked for anew when the first one that began before fails', async () => {
    const { state, subject, waiting, make } = answers()
    const first = subject.give('q', make)
    const newer = subject.give('q', make, { renew: true })
    waiting[0]!.fail(new Error('connection refused'))
    await assert.rejects(first, unavailable)
    await settled()
    assert.equal(state.made, 2)
    waiting[1]!.answer('after')
    assert.equal((await newer).answer, 'after')
  })

  it('that must be new are waited for no longer, not even for one that is being made', async () => {
    const { state, subject, make, instant, clock, tick } = answers()
    await subject.give('q', instant('good'))
    state.now += 700
    await subject.give('q', make)
    for (const asked of [{ deadline: clock.now() + 50 }, {}]) {
      const newer = subject.give('q', make, { renew: true, ...asked })
      tick('deadline' in asked ? 50 : 2_000)
      assert.equal((await newer).stale, true)
    }
    assert.equal(state.made, 2)
  })
})
