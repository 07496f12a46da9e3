import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { NewEntry } from './entry.ts'
import { appendedSegment, entriesOf, readSegment, segmentPieces } from './segment.ts'
import { Tail } from './tail.ts'

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
const appended = (first: number, ...ids: string[]) =>
  appendedSegment(
    ids.map(id => entry(id)),
    { xid: String(first), position: first, recordedAt: 9 }
  )
const at = (position: number) => ({ xid: '1', position })

describe('the tail of the log', () => {
  it('gives what begins right behind a cursor, and cannot tell after a gap or from the middle of a segment', () => {
    const tail = new Tail()
    const [one, two, apart] = [appended(1, 'a', 'b'), appended(3, 'c'), appended(9, 'd')]
    for (const segment of [one, two, apart]) tail.add(segment)
    assert.equal(tail.after(at(1), 10), undefined)
    assert.deepEqual(tail.after(at(0), 10), [one, two])
    assert.deepEqual(tail.after(at(0), 1), [one], 'whole segments until there are enough')
    assert.deepEqual([tail.hasMore(at(3)), tail.hasMore(at(9))], [true, false])
    assert.equal(tail.after(at(3), 10), undefined)
    assert.deepEqual(tail.after(at(8), 10), [apart])
  })

  it('holds so many entries and no more', () => {
    const tail = new Tail(3)
    for (const segment of [appended(1, 'a', 'b'), appended(3, 'c', 'd')]) tail.add(segment)
    assert.equal(tail.after(at(0), 10), undefined)
    assert.equal(tail.after(at(2), 10)?.length, 1)
  })
})

describe('a segment', () => {
  it('comes out as it went in, with each entry in its place and no digest', () => {
    const whole = entry('a', { data: '{"n":[1,"}"]}', change: '[null,[1,"tab\\t"]]' })
    const { digest: _, ...stored } = { ...entry('c'), position: 8, xid: '4', recordedAt: 3 }
    const segments = [
      appendedSegment([whole, entry('b')], { xid: '2', position: 5, recordedAt: 1 }),
      readSegment([stored])
    ]
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
