import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { limits } from '../limits.ts'
import { isRejection, type Judgement, type Rejection, type ValidEvent, validateEvent } from './validate.ts'

const receivedAt = Date.UTC(2026, 4, 17, 12)
const id = '0196d5c0-0000-7000-8000-000000000001'
const sessionId = '0196d5c0-0000-7000-8000-00000000000a'
const iso = (ms: number) => new Date(ms).toISOString()

const start = (over: object = {}) => ({
  id,
  type: 'session.start',
  time: iso(receivedAt),
  user: { id: 'ann' },
  session: { id: sessionId },
  ...over
})
const use = (data: unknown, over: object = {}) => start({ type: 'feature.used', data, ...over })
const judge = (raw: unknown, over: Partial<Judgement> = {}) =>
  validateEvent(raw, { receivedAt, correction: 0, backfill: false, ...over })

function valid(raw: unknown, over: Partial<Judgement> = {}): ValidEvent {
  const judged = judge(raw, over)
  assert.ok(!isRejection(judged), isRejection(judged) ? `${judged.code}: ${judged.detail}` : '')
  return judged
}
function refused(raw: unknown, over: Partial<Judgement> = {}): Rejection {
  const judged = judge(raw, over)
  assert.ok(isRejection(judged), 'it was taken')
  return judged
}

describe('an event that fits', () => {
  it('is taken with its ids in lower case and its data as text', () => {
    const event = valid(use({ feature: 'search', durationMs: 12.5 }, { id: id.toUpperCase() }))
    assert.equal(event.id, id)
    assert.equal(event.time, receivedAt)
    assert.equal(event.userId, 'ann')
    assert.equal(event.sessionId, sessionId)
    assert.equal(event.data, '{"feature":"search","durationMs":12.5}')
    assert.deepEqual(event.enrichment, { state: 'unknown' })
  })

  it('may have no data, or any data when it is of a session', () => {
    assert.equal(valid(start()).data, null)
    assert.equal(valid(start({ type: 'session.end', data: { anything: [1, null] } })).data, '{"anything":[1,null]}')
  })

  it('may say its time with any offset and any fraction of a second', () => {
    for (const time of ['2026-05-17T14:00:00+02:00', '2026-05-17t12:00:00.000000001z', '2026-05-17T12:00:00Z']) {
      assert.equal(valid(start({ time })).time, receivedAt, time)
    }
  })
})

describe('an event that does not fit', () => {
  it('is refused when it is not an object', () => {
    for (const raw of [null, 7, 'x', true, [], [start()], Symbol('a line that is not JSON'), undefined]) {
      assert.equal(refused(raw).code, 'invalid_event')
    }
  })

  it('is refused when its type is not one of four', () => {
    for (const type of [undefined, null, 7, 'Session.start', 'feature.used ', 'constructor', ['feature.used']]) {
      assert.equal(refused(start({ type })).code, 'unknown_type', String(type))
    }
  })

  it('is told the place of the first fault', () => {
    const faults: [object, RegExp][] = [
      [start({ id: 'x' }), /^\/id /],
      [start({ id: `${id}\n` }), /^\/id /],
      [start({ user: { id: 7 } }), /^\/user\/id must be string/],
      [start({ user: { id: '' } }), /^\/user\/id /],
      [start({ user: { id: 'u', name: 'Ann' } }), /^\/user\/name is not a property/],
      [start({ session: {} }), /^\/session .*id/],
      [start({ time: 1_700_000_000_000 }), /^\/time must be string/],
      [start({ time: 'yesterday' }), /^\/time /],
      [start({ time: '2026-05-17' }), /^\/time /],
      [start({ data: [] }), /^\/data /],
      [start({ data: null }), /^\/data /],
      [start({ extra: 1 }), /^\/extra is not a property/],
      [use(undefined), /data/],
      [use({}), /feature/],
      [use({ feature: '' }), /^\/data\/feature /],
      [use({ feature: 'x', outcome: 'fine' }), /^\/data\/outcome /],
      [use({ feature: 'x', durationMs: -1 }), /^\/data\/durationMs /],
      [use({ feature: 'x', durationMs: Infinity }), /^\/data\/durationMs /],
      [use({ feature: 'x', status: 200.5 }), /^\/data\/status /],
      [use({ feature: 'x', status: 600 }), /^\/data\/status /],
      [JSON.parse(`{"__proto__":{},${JSON.stringify(start()).slice(1)}`), /__proto__/]
    ]
    for (const [raw, place] of faults) {
      const { code, detail } = refused(raw)
      assert.equal(code, 'invalid_event', detail)
      assert.match(detail, place)
    }
  })

  it('gets no answer that grows with what it sent', () => {
    const { id: echoed, detail } = refused({ ...start({ id: 'x'.repeat(1_000) }), ['k'.repeat(100_000)]: 1 })
    assert.equal(echoed, null)
    assert.ok(detail.length < 300, `${detail.length} characters`)
    assert.equal(refused(start({ id: 'not-a-uuid' })).id, 'not-a-uuid', 'a short id is told back')
  })

  it('is refused when its time is none of the calendar', () => {
    for (const time of [
      '2026-02-29T00:00:00Z',
      '2026-04-31T00:00:00Z',
      '2026-13-01T00:00:00Z',
      '2026-01-01T00:00:60Z',
      '2026-01-01T00:00:00+99:00',
      '0000-01-01T00:00:00Z'
    ]) {
      assert.match(refused(start({ time }), { backfill: true }).detail, /calendar/, time)
    }
    assert.equal(valid(start({ time: '2024-02-29T00:00:00Z' }), { backfill: true }).time, Date.UTC(2024, 1, 29))
  })
})

describe('the limits', () => {
  it('of time: up to 5 minutes ahead', () => {
    valid(start({ time: iso(receivedAt + limits.earlyMs) }))
    assert.equal(refused(start({ time: iso(receivedAt + limits.earlyMs + 1) })).code, 'time_in_future')
    assert.equal(
      refused(start({ time: iso(receivedAt + limits.earlyMs + 1) }), { backfill: true }).code,
      'time_in_future',
      'backfill is about the past'
    )
  })

  it('of time: up to 34 days ago, and to 1970 for a backfill', () => {
    const oldest = receivedAt - limits.lateMs
    valid(start({ time: iso(oldest) }))
    assert.equal(refused(start({ time: iso(oldest - 1) })).code, 'too_old')
    valid(start({ time: iso(oldest - 1) }), { backfill: true })
    valid(start({ time: '1970-01-01T00:00:00Z' }), { backfill: true })
    assert.equal(refused(start({ time: '1969-12-31T23:59:59.999Z' }), { backfill: true }).code, 'too_old')
    assert.equal(
      refused(start(), { backfill: true, correction: -1e15 }).code,
      'too_old',
      'also when a correction moves it there'
    )
  })

  it('of what is kept: by the time and by that in the id, backfill or not', () => {
    const idAt = (ms: number, version = 7) =>
      `${ms
        .toString(16)
        .padStart(12, '0')
        .replace(/(.{8})/, '$1-')}-${version}000-8000-000000000001`
    const old = receivedAt - 400 * 86_400_000
    const fresh = idAt(receivedAt)
    const over = { backfill: true, keptFrom: receivedAt - 100 * 86_400_000 }
    valid(start({ id: fresh }), over)
    valid(start({ id: fresh, time: iso(over.keptFrom) }), over)
    assert.equal(refused(start({ id: fresh, time: iso(over.keptFrom - 1) }), over).code, 'too_old')
    assert.equal(refused(start({ id: idAt(old) }), over).code, 'too_old', 'its key is gone')
    valid(start({ id: idAt(old) }), { backfill: true })
    valid(start({ id: idAt(old, 4) }), over)
  })

  it('of text: 200 characters of a user, 120 of a feature, counted as people count them', () => {
    valid(start({ user: { id: '😀'.repeat(limits.userIdChars) } }))
    assert.equal(refused(start({ user: { id: 'u'.repeat(limits.userIdChars + 1) } })).code, 'invalid_event')
    assert.equal(
      refused(start({ user: { id: `u${'\u0301'.repeat(limits.userIdChars)}` } })).code,
      'invalid_event',
      'what is drawn over one letter counts too'
    )
    valid(use({ feature: 'f'.repeat(limits.featureChars) }))
    assert.equal(refused(use({ feature: 'f'.repeat(limits.featureChars + 1) })).code, 'invalid_event')
  })

  it('of size: 32 KB an event, in bytes and not in characters', () => {
    const room = limits.eventBytes - 400 - Buffer.byteLength('{"feature":"x","note":""}')
    valid(use({ feature: 'x', note: 'n'.repeat(room) }))
    assert.equal(refused(use({ feature: 'x', note: 'n'.repeat(room + 1) })).code, 'event_too_large')
    valid(use({ feature: 'x', note: '€'.repeat(Math.floor(room / 3)) }))
    assert.equal(refused(use({ feature: 'x', note: '€'.repeat(Math.floor(room / 3) + 1) })).code, 'event_too_large')
    assert.equal(
      refused(start({ data: { note: '\u0001'.repeat(room / 5) } })).code,
      'event_too_large',
      'as it is stored'
    )
  })

  it('of depth: 16 levels, of arrays as of objects', () => {
    const nest = (levels: number, wrap: (inner: unknown) => unknown) => {
      let value: unknown = 1
      for (let i = 0; i < levels; i++) value = wrap(value)
      return value
    }
    for (const wrap of [(v: unknown) => ({ v }), (v: unknown) => [v]]) {
      valid(start({ data: { v: nest(limits.dataDepth - 1, wrap) } }))
      assert.equal(refused(start({ data: { v: nest(limits.dataDepth, wrap) } })).code, 'data_too_deep')
      assert.equal(
        refused(start({ data: { v: nest(100_000, wrap) } })).code,
        'data_too_deep',
        'without a stack overflow'
      )
    }
  })

  it('of what the store can hold: no NUL and no half of a surrogate pair, anywhere', () => {
    for (const bad of ['\0', 'a\0b', '\ud83d', '\ude00\ud83d']) {
      assert.equal(refused(start({ user: { id: `u${bad}` } })).code, 'invalid_text')
      assert.equal(refused(use({ feature: `f${bad}` })).code, 'invalid_text')
      assert.equal(refused(start({ data: { deep: [{ [`k${bad}`]: 1 }] } })).code, 'invalid_text')
      assert.equal(refused(start({ data: { deep: [[bad]] } })).code, 'invalid_text')
    }
    valid(start({ user: { id: '😀\t\n\\\u0001\u007f\uffff' } }))
  })
})

describe('the digest', () => {
  const digestOf = (raw: object, over: Partial<Judgement> = {}) => valid(raw, over).digest

  it('is the same for a resend, whatever its clock, its spelling and the order of its keys', () => {
    const first = digestOf(use({ feature: 'x', a: { b: 1, c: [2, 3] } }))
    assert.equal(digestOf(use({ a: { c: [2, 3], b: 1 }, feature: 'x' })), first)
    assert.equal(digestOf(use({ feature: 'x', a: { b: 1, c: [2, 3] } }), { correction: -3_600_000 }), first)
    assert.equal(
      digestOf(use({ feature: 'x', a: { b: 1, c: [2, 3] } }, { session: { id: sessionId.toUpperCase() } })),
      first
    )
    assert.equal(digestOf(use({ feature: 'x', a: { b: 1, c: [2, 3] } }, { time: '2026-05-17T14:00:00+02:00' })), first)
  })

  it('is another for any other event', () => {
    const all = [
      use({ feature: 'x' }),
      use({ feature: 'y' }),
      use({ feature: 'x', a: null }),
      use({ feature: 'x', a: [1, 2] }),
      use({ feature: 'x', a: [2, 1] }),
      use({ feature: 'x' }, { time: iso(receivedAt + 1) }),
      use({ feature: 'x' }, { user: { id: 'bob' } }),
      use({ feature: 'x' }, { session: { id } }),
      start(),
      start({ data: {} }),
      start({ type: 'session.end' })
    ].map(raw => digestOf(raw))
    assert.equal(new Set(all).size, all.length)
  })
})

describe('whatever is sent', () => {
  const judged = (raw: unknown) => {
    const result = judge(raw)
    if (!isRejection(result)) return
    assert.ok(/^[a-z_]+$/.test(result.code) && result.detail.length > 0 && result.detail.length < 500)
  }

  it('is judged and never throws', () => {
    fc.assert(fc.property(fc.jsonValue({ maxDepth: 6 }), judged), { numRuns: 500 })
  })

  it('also when it is nearly an event', () => {
    const nearly = fc.record(
      {
        id: fc.oneof(fc.constant(id), fc.string(), fc.jsonValue()),
        type: fc.oneof(fc.constantFrom('session.start', 'feature.used'), fc.jsonValue()),
        time: fc.oneof(fc.constant(iso(receivedAt)), fc.date().map(String), fc.string()),
        user: fc.oneof(fc.record({ id: fc.string({ unit: 'binary' }) }), fc.jsonValue()),
        session: fc.oneof(fc.constant({ id: sessionId }), fc.jsonValue()),
        data: fc.oneof(
          fc.record({ feature: fc.string({ unit: 'binary' }) }),
          fc.dictionary(fc.string(), fc.jsonValue())
        )
      },
      { requiredKeys: ['type'] }
    )
    fc.assert(fc.property(nearly, judged), { numRuns: 500 })
  })

  it('is, when taken, of text that the store can hold and of a time within the limits', () => {
    const event = fc.record({
      id: fc.uuid(),
      type: fc.constantFrom('session.start', 'session.end'),
      time: fc.date({ noInvalidDate: true }).map(d => d.toJSON()),
      user: fc.record({ id: fc.string({ unit: 'binary', minLength: 1, maxLength: 5 }) }),
      session: fc.record({ id: fc.uuid() }),
      data: fc.dictionary(fc.string({ unit: 'binary', maxLength: 3 }), fc.string({ unit: 'binary', maxLength: 3 }))
    })
    let taken = 0
    fc.assert(
      fc.property(event, raw => {
        const result = judge(raw, { backfill: true })
        if (isRejection(result)) return
        taken++
        assert.ok(result.userId.isWellFormed() && !result.userId.includes('\0'))
        assert.doesNotMatch(result.data!, /\\u0000|\\ud[89a-f]/)
        assert.ok(result.time >= 0 && result.time <= receivedAt + limits.earlyMs)
      }),
      { numRuns: 2_000 }
    )
    assert.ok(taken > 100, `only ${taken} were taken: the property says nothing`)
  })
})
