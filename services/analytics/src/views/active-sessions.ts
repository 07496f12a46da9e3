import { bucketOf } from './buckets.ts'
import type { Visit } from './fact.ts'
import type { Rows } from './rows.ts'
import { sumsView } from './sums.ts'

/**
 * Sessions by when they were last active: by minute, and the hours these make, so that the last 24 hours are 23 hours and
 * some minutes. A session moves from row to row as it goes on.
 */
export const activeSessions = sumsView({
  name: 'session_activity',
  version: 1,
  key: { project: 'text', width: '"char"', bucket: 'timestamptz', tier: 'text', region: 'text' },
  numbers: { sessions: 'sum', open: 'sum' },
  fold(rows, { project, before, after }) {
    for (const visit of before) count(rows, project, visit, -1)
    for (const visit of after) count(rows, project, visit, 1)
  },
  rollUp(rows) {
    for (const { key, numbers } of rows.all()) {
      const [project, , bucket, tier, region] = key as [string, string, number, string, string]
      const hour = bucketOf('h', bucket)
      const id = `h${hour}/${tier}/${region}/${project}`
      const row = rows.get(id) ?? rows.add(id, [project, 'h', hour, tier, region])
      row.numbers[0]! += numbers[0]!
      row.numbers[1]! += numbers[1]!
    }
  }
})

function count(rows: Rows, project: string, [, lastAt, open, tier, region]: Visit, sign: 1 | -1): void {
  const bucket = bucketOf('m', lastAt)
  const id = `${bucket}/${tier}/${region}/${project}`
  const row = rows.get(id) ?? rows.add(id, [project, 'm', bucket, tier, region])
  row.numbers[0]! += sign
  row.numbers[1]! += open * sign
}
