import { distinct, histogram } from '@plimsoll/sketches'
import { bucketOf } from './buckets.ts'
import type { Deltas, FeatureRow, UseRow } from './deltas.ts'

/** Every region together. No real region can be named so: labels are of a-z, 0-9, - and _. */
export const allRegions = '*'

/**
 * Adds the coarser rows (by day, and of all regions) up from the finest. Events touch one row each and these few rows
 * are then summed, which is several times cheaper than counting each event in every row that it belongs to.
 */
export function rollUp(deltas: Deltas): void {
  for (const row of [...deltas.started.values()]) {
    const { project, tier, region, sessions } = row
    deltas.session(deltas.started, project, 'd', bucketOf('d', row.bucket), tier, region, sessions, 0)
  }
  for (const row of [...deltas.active.values()]) {
    const { project, tier, region, sessions, open } = row
    deltas.session(deltas.active, project, 'h', bucketOf('h', row.bucket), tier, region, sessions, open)
  }
  for (const row of [...deltas.uses.values()]) {
    for (const [width, region] of coarser(row.region)) {
      const into = deltas.use(row.project, width, bucketOf(width, row.bucket), region)
      add(into, row)
      row.statuses.forEach((n, i) => {
        into.statuses[i]! += n
      })
    }
  }
  for (const row of [...deltas.features.values()]) {
    for (const [width, region] of coarser(row.region)) {
      add(deltas.feature(row.project, width, bucketOf(width, row.bucket), region, row.feature), row)
    }
  }
}

const coarser = (region: string) =>
  [
    ['h', allRegions],
    ['d', region],
    ['d', allRegions]
  ] as const

function add(into: UseRow | FeatureRow, row: UseRow | FeatureRow): void {
  into.uses += row.uses
  into.client_errors += row.client_errors
  into.server_errors += row.server_errors
  histogram.merge(into.latency, row.latency)
  distinct.merge(into.users, row.users)
}
