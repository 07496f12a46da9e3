import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { unknown } from '../enrichment/enrichment.ts'
import { IngestCounts } from './counts.ts'
import type { ValidEvent } from './validate.ts'

const known = { state: 'known', tier: 'pro', region: 'eu', flags: {} } as const
const events = (...enrichments: ValidEvent['enrichment'][]) =>
  enrichments.map(enrichment => ({ enrichment }) as ValidEvent)

describe('what came of events', () => {
  it('is counted until it is taken', () => {
    const counts = new IngestCounts()
    counts.recorded('shop', events(known, unknown, known, known), ['accepted', 'accepted', 'duplicate', 'conflict'], 2)
    counts.recorded('boat', events(unknown, known), ['spooled', 'shed'], 0)
    counts.spoolFailed()
    for (const project of ['shop', 'shop', 'boat', 'shop']) counts.turnedAway(project)
    assert.deepEqual(counts.take(), {
      offered: 8,
      accepted: 3,
      duplicate: 1,
      rejected: 3,
      unknown: 2,
      spoolFailed: 1,
      busiest: { project: 'shop', share: 0.75 },
      turnedAway: { project: 'shop', share: 0.75 }
    })
    const { busiest, turnedAway, ...nothing } = counts.take()
    assert.deepEqual([...Object.values(nothing), busiest, turnedAway], [0, 0, 0, 0, 0, 0, undefined, undefined])
  })

  it('tells a thousand projects apart, and no more', () => {
    const counts = new IngestCounts()
    for (let i = 0; i < 3_000; i++) counts.recorded(`p${i}`, events(known), ['accepted'], 0)
    assert.deepEqual(counts.take().busiest, { project: '(other)', share: 2_000 / 3_000 })
  })
})
