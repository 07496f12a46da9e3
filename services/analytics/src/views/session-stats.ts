import { bucketOf } from './buckets.ts'
import type { Rows } from './rows.ts'
import { sumsView } from './sums.ts'

/** Sessions by when they started, by plan tier and region: by hour, and the days these make. */
export const sessionStats = sumsView({
  name: 'session_stats',
  version: 1,
  key: { project: 'text', width: '"char"', bucket: 'timestamptz', tier: 'text', region: 'text' },
  numbers: { sessions: 'sum' },
  fold(rows, { project, before, after }) {
    for (const [startedAt, , , tier, region] of before) count(rows, project, bucketOf('h', startedAt), tier, region, -1)
    for (const [startedAt, , , tier, region] of after) count(rows, project, bucketOf('h', startedAt), tier, region, 1)
  },
  rollUp(rows) {
    for (const { key, numbers } of rows.all()) {
      const [project, , bucket, tier, region] = key as [string, string, number, string, string]
      const day = bucketOf('d', bucket)
      const id = `d${day}/${tier}/${region}/${project}`
      const row = rows.get(id) ?? rows.add(id, [project, 'd', day, tier, region])
      row.numbers[0]! += numbers[0]!
    }
  }
})

function count(rows: Rows, project: string, bucket: number, tier: string, region: string, sign: 1 | -1): void {
  const id = `${bucket}/${tier}/${region}/${project}`
  const row = rows.get(id) ?? rows.add(id, [project, 'h', bucket, tier, region])
  row.numbers[0]! += sign
}
