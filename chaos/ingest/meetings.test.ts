import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { meetingsOf, type Sender, tableOf, unmet } from './meetings.ts'
import type { Hit } from './play.ts'

const sender = (name: string, lane: string, more: Partial<Sender> = {}): Sender => ({
  name,
  kind: 'fetch',
  lane,
  // From 100 to 200, and from 300 on without an end.
  fates: [
    { madeAt: 100, recordedAt: 200, lost: false, doubled: 0 },
    { madeAt: 300, lost: true, doubled: 0 }
  ],
  canMeet: () => true,
  ...more
})
const hit = (from: number, to: number, target?: Hit['target']): Hit => ({
  kind: 'reset',
  from,
  to,
  ...(target ? { target } : {})
})
const met = (hits: Hit[]) => meetingsOf([sender('fetch-0', 'north')], hits, ['reset']).fetch!.reset

describe('meetings', () => {
  it('are of what was made before a fault was over and was not in the log when it began', () => {
    assert.deepEqual(met([hit(0, 99)]), { sent: 0, lost: 0, doubled: 0 })
    assert.deepEqual(met([hit(0, 100)]), { sent: 1, lost: 0, doubled: 0 })
    assert.deepEqual(met([hit(201, 299)]), { sent: 0, lost: 0, doubled: 0 })
    assert.deepEqual(met([hit(150, 350)]), { sent: 2, lost: 1, doubled: 0 })
  })

  it('count an event once for a kind, however many faults of it struck', () => {
    assert.equal(met([hit(100, 110), hit(120, 130)])?.sent, 1)
  })

  it('are with what struck the client, its way, or everything', () => {
    const sentWith = (target?: Hit['target']) => met([hit(150, 160, target)])?.sent
    assert.equal(sentWith(), 1)
    assert.equal(sentWith({ lane: 'north' }), 1)
    assert.equal(sentWith({ lane: 'south' }), 0)
    assert.equal(sentWith({ client: 'fetch-0', clientKind: 'fetch' }), 1)
    assert.equal(sentWith({ client: 'fetch-1', clientKind: 'fetch' }), 0)
  })

  it('are summed by kind of client; who cannot meet has no cell and is not missed', () => {
    const senders = [
      sender('fetch-0', 'north'),
      sender('fetch-1', 'south'),
      sender('curl-0', 'south', { kind: 'curl', canMeet: kind => kind !== 'clock-jump' })
    ]
    const meetings = meetingsOf(senders, [hit(150, 160)], ['reset', 'clock-jump'])
    assert.equal(meetings.fetch!.reset!.sent, 2)
    assert.deepEqual(unmet(meetings), ['fetch × clock-jump'])
    assert.match(tableOf(meetings, ['clock-jump']).at(-1)!, /^ {2}clock-jump +0 +-$/)
  })
})
