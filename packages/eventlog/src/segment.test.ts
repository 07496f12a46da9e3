import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { NewEntry } from './entry.ts'
import { appendedSegment, entriesOf, type Segment, segmentPieces } from './segment.ts'

const entry = (id: string, over: Partial<NewEntry> = {}): NewEntry => ({
  tenant: 't',
  id,
  type: 'x',
  time: 5,
  stream: null,
  subject: 'ann "a" é',
  digest: '7',
  data: null,
  change: null,
  ...over
})
describe('a segment', () => {
  it('comes out as it went in, with each entry in its place and no digest', () => {
    const whole = entry('a', { data: '{"n":[1,"}"]}', change: '[null,[1,"tab\\t"]]' })
    const last = { position: 8, xid: '4', recordedAt: 3 }
    const { digest: _, ...stored } = { ...entry('c'), ...last }
    const read: Segment = { entries: new TextEncoder().encode(JSON.stringify([stored])), count: 1, first: null, last }
    const segments = [appendedSegment([whole, entry('b')], { xid: '2', position: 5, recordedAt: 1 }), read]
    const entries = entriesOf(JSON.parse(Buffer.concat(segmentPieces(segments)).toString()))
    assert.deepEqual(
      entries.map(e => [e.id, e.position, e.xid, e.recordedAt]),
      [
        ['a', 5, '2', 1],
        ['b', 6, '2', 1],
        ['c', 8, '4', 3]
      ]
    )
    assert.deepEqual([entries[0]!.data, entries[0]!.change], [{ n: [1, '}'] }, [null, [1, 'tab\t']]])
    assert.equal(entries[0]!.subject, 'ann "a" é')
    assert.ok(!('digest' in entries[0]!))
    assert.deepEqual(entriesOf(JSON.parse(Buffer.concat(segmentPieces([])).toString())), [])
  })
})
