import { bucketOf } from './buckets.ts'
import { countUse, countUser, rollUpUses, useNumbers } from './measures.ts'
import { sumsView } from './sums.ts'

/**
 * Errors by kind and status, latency histograms, and the distinct users who were there, of all uses together. One row has
 * them all, since one key has: three tables would cost three writes.
 */
export const useStats = sumsView({
  name: 'use_stats',
  version: 1,
  key: { project: 'text', width: '"char"', region: 'text', bucket: 'timestamptz' },
  numbers: {
    ...useNumbers,
    status_1xx: 'sum',
    status_2xx: 'sum',
    status_3xx: 'sum',
    status_4xx: 'sum',
    status_5xx: 'sum'
  },
  usersExactly: 2_048,
  fold(rows, { project, sent }) {
    if (sent === undefined) return
    const { region, use } = sent
    const bucket = bucketOf('h', sent.time)
    const id = `${bucket}/${region}/${project}/`
    const row = rows.get(id) ?? rows.add(id, [project, 'h', region, bucket])
    countUser(row, sent)
    if (use === undefined) return
    countUse(row, use)
    if (use.status !== undefined) row.numbers[2 + Math.floor(use.status / 100)]!++
  },
  rollUp: rollUpUses
})
