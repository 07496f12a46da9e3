import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import type { Enrichment } from '../enrichment/enrichment.ts'
import type { ValidEvent } from '../ingest/validate.ts'
import { decodeRecord, type EventsWork, encodeRecord, headerOf, UnreadableRecordError } from './record.ts'

const text = fc.string({ unit: 'binary' })
const enrichment: fc.Arbitrary<Enrichment> = fc.oneof(
  fc.constant({ state: 'unknown' as const }),
  fc.constant({ state: 'absent' as const }),
  fc.record(
    {
      state: fc.constant('known' as const),
      tier: text,
      region: text,
      flags: fc.dictionary(text, fc.boolean(), { noNullPrototype: true })
    },
    { noNullPrototype: true }
  )
)
const event: fc.Arbitrary<ValidEvent> = fc.record(
  {
    id: fc.uuid(),
    type: fc.constantFrom('session.start', 'session.heartbeat', 'session.end', 'feature.used'),
    time: fc.nat({ max: 8_640_000_000_000_000 }),
    userId: text,
    sessionId: fc.uuid(),
    data: fc.option(fc.json()),
    digest: fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }).map(String),
    enrichment
  },
  { noNullPrototype: true }
)
const work: fc.Arbitrary<EventsWork> = fc.record(
  {
    kind: fc.constant('events' as const),
    project: text,
    minute: fc.nat(),
    rejected: fc.nat({ max: 500 }),
    events: fc.array(event, { maxLength: 20 })
  },
  { noNullPrototype: true }
)

describe('a spooled record', () => {
  it('gives back the work that it was made of, and counts it without reading it', () => {
    fc.assert(
      fc.property(work, given => {
        const record = encodeRecord(given)
        assert.deepEqual(decodeRecord(record), given)
        const { project, minute, rejected, events } = given
        assert.deepEqual(headerOf(record), { project, minute, rejected, events: events.length })
      })
    )
  })

  it('is refused when it is of another version, cut, or nonsense', () => {
    fc.assert(
      fc.property(work, fc.nat(), (given, cut) => {
        const record = encodeRecord(given)
        const short = record.subarray(0, cut % record.length)
        assert.throws(() => decodeRecord(short), UnreadableRecordError)
      })
    )
    for (const bad of ['', 'null', '7', '{}', '{"v":2,"project":"a","minute":0,"events":0,"rejected":0}\n[]'])
      assert.throws(() => headerOf(Buffer.from(bad)), { code: 'SPOOL_RECORD_UNREADABLE' })
    const lying = '{"v":1,"project":"a","minute":0,"events":2,"rejected":0}\n[]'
    assert.throws(() => decodeRecord(Buffer.from(lying)), UnreadableRecordError)
  })
})
