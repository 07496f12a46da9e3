import { distinct, histogram } from '@plimsoll/sketches'
import { bucketOf, type Width } from './buckets.ts'
import type { Sent, Use } from './fact.ts'
import { addRow, type Row, type Rows } from './rows.ts'

/** What is measured of uses, alike for one feature and for all of them together. */

/** The first of `Row.numbers`, in this order. */
export const useNumbers = { uses: 'sum', client_errors: 'sum', server_errors: 'sum' } as const

/** Every region together. No real region can be named so: labels are of a-z, 0-9, - and _. */
export const allRegions = '*'

export function countUse({ numbers, latency }: Row, { outcome, durationMs }: Use): void {
  numbers[0]!++
  if (outcome === 'client_error') numbers[1]!++
  else if (outcome === 'server_error') numbers[2]!++
  if (durationMs !== undefined) histogram.record(latency, durationMs)
}

export function countUser({ users }: Row, { user }: Sent): void {
  if (user !== null) distinct.addHash(users, user[0], user[1])
}

/** From each hour of a region to the hour of all regions, and to the day of both. The rest of the key is carried over. */
export function rollUpUses(rows: Rows): void {
  for (const row of rows.all()) {
    const [project, , region, bucket, ...rest] = row.key as [string, string, string, number, ...string[]]
    for (const [width, place] of coarser(region)) {
      const into = bucketOf(width, bucket)
      const id = `${width}${into}/${place}/${project}/${rest.join('/')}`
      addRow(rows.get(id) ?? rows.add(id, [project, width, place, into, ...rest]), row)
    }
  }
}

const coarser = (region: string): [Width, string][] => [
  ['h', allRegions],
  ['d', region],
  ['d', allRegions]
]
