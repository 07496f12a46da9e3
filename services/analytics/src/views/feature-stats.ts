import { bucketOf } from './buckets.ts'
import { countUse, countUser, rollUpUses, useNumbers } from './measures.ts'
import { sumsView } from './sums.ts'

/**
 * Uses of each feature: errors, latencies and distinct users, by hour and day, of each region and of all. Few users are
 * counted exactly, since a project has many such rows.
 */
export const featureStats = sumsView({
  name: 'feature_stats',
  version: 1,
  key: { project: 'text', width: '"char"', region: 'text', bucket: 'timestamptz', feature: 'text' },
  numbers: useNumbers,
  usersExactly: 512,
  fold(rows, { project, sent }) {
    if (sent?.use === undefined) return
    const { region, use } = sent
    const bucket = bucketOf('h', sent.time)
    const id = `${bucket}/${region}/${project}/${use.feature}`
    const row = rows.get(id) ?? rows.add(id, [project, 'h', region, bucket, use.feature])
    countUser(row, sent)
    countUse(row, use)
  },
  rollUp: rollUpUses
})
