import type { NewEntry } from '@plimsoll/eventlog'

/** The sessions of the bench: made from their number alone, so that every engine is given the same rows. */

export interface SessionRow {
  id: string
  userId: string
  startedAt: number
  lastAt: number
  tier: string
  region: string
}

const users = 200_000
export const askedRegion = 'eu-west'
const tiers = ['free', 'free', 'free', 'pro', 'pro', 'team', 'enterprise']
const regions = [askedRegion, 'us-east', 'ap-south', 'sa-east']
const day = 86_400_000

/** Session `n` of `total`, spread over the seven days before `until` in order of time, a quarter of an hour long at most. */
export function sessionRow(n: number, total: number, until: number): SessionRow {
  const startedAt = Math.floor(until - 7 * day + (n / total) * 7 * day)
  const mixed = Math.imul(n + 1, 2_654_435_761) >>> 0
  const time = startedAt.toString(16).padStart(12, '0')
  return {
    id: `${time.slice(0, 8)}-${time.slice(8)}-7c00-8c00-${n.toString(16).padStart(12, '0')}`,
    userId: `demo-user-${String(mixed % users).padStart(6, '0')}`,
    startedAt,
    lastAt: Math.min(until, startedAt + (mixed % 900_000)),
    tier: tiers[(mixed >>> 8) % tiers.length]!,
    region: regions[(mixed >>> 16) % regions.length]!
  }
}

/** Its entry in the log, as ingest would have written it. */
export function entryOf({ id, userId, startedAt, lastAt, tier, region }: SessionRow): NewEntry {
  return {
    tenant: 'bench',
    // Another one than the session's.
    id: id.replace('-7c00-', '-7e00-'),
    type: 'session.start',
    time: startedAt,
    stream: id,
    subject: userId,
    digest: '1',
    data: null,
    change: `[null,[${startedAt},${lastAt},1,"${tier}","${region}","known","${userId}"]]`
  }
}

/** A line of the file that the other engines load, tab-separated. */
export const lineOf = ({ userId, startedAt, lastAt, tier, region }: SessionRow) =>
  `bench\t${userId}\t${new Date(startedAt).toISOString()}\t${new Date(lastAt).toISOString()}\t${tier}\t${region}\n`
