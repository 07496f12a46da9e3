import { createHash } from 'node:crypto'
import type { UserMetadata } from './contract.ts'

/** Where the metadata of users comes from. Without `put` and `remove` it can only be read. */
export interface UserDirectory {
  /**
   * What is known of these users; an id that is missing from the answer has no metadata. Null is one who is known to have
   * none: further directories are not asked.
   */
  lookup(userIds: string[]): Promise<Map<string, UserMetadata | null>>
  /** @throws {DirectoryFull} */
  put?(userId: string, metadata: UserMetadata): Promise<void>
  /** Whether there was anything to remove. */
  remove?(userId: string): Promise<boolean>
}

export class DirectoryFull extends Error {
  override readonly name = 'DirectoryFull'
  readonly code = 'directory_full'

  constructor(capacity: number) {
    super(`The directory holds ${capacity} users and takes no more; remove some first.`)
  }
}

/** @param capacity the most users it holds */
export function memoryDirectory({ capacity = 100_000 }: { capacity?: number } = {}): Required<UserDirectory> {
  const users = new Map<string, UserMetadata>()
  return {
    lookup: async userIds => known(userIds, userId => users.get(userId)),
    put: async (userId, metadata) => {
      if (users.size >= capacity && !users.has(userId)) throw new DirectoryFull(capacity)
      users.set(userId, structuredClone(metadata))
    },
    remove: async userId => users.delete(userId)
  }
}

const demoPrefix = 'demo-user-'
/** One in so many demo users has no metadata, so that `absent` is seen too. */
const absentOneIn = 100
const tiers: Shares = { free: 62, pro: 27, team: 8, enterprise: 3 }
const regions: Shares = { 'eu-west': 38, 'us-east': 34, 'ap-south': 18, 'sa-east': 10 }
const flagNames = ['new-dashboard', 'beta-export', 'fast-search', 'api-v2', 'weekly-digest', 'sso']

/** Names and their shares in hundredths, adding up to 100. */
type Shares = Record<string, number>

export interface DemoOptions {
  /** Another seed gives every user another tier and region. */
  seed: number
}

/** Every id that begins with `demo-user-` has metadata, always the same for a seed; every other id has none. */
export function demoDirectory({ seed }: DemoOptions): UserDirectory {
  return { lookup: async userIds => known(userIds, userId => demoMetadata(seed, userId)) }
}

function demoMetadata(seed: number, userId: string): UserMetadata | undefined {
  if (!userId.startsWith(demoPrefix) || userId.length === demoPrefix.length) return
  const dice = createHash('sha256').update(`${seed}\n${userId}`).digest()
  if (dice.readUInt32LE(0) % absentOneIn === 0) return
  const flags = flagNames.slice()
  const count = dice[12]! % 4
  const picked = Array.from({ length: count }, (_, i) => flags.splice(dice[13 + i]! % flags.length, 1)[0]!)
  return {
    tier: pick(tiers, dice.readUInt32LE(4) % 100),
    region: pick(regions, dice.readUInt32LE(8) % 100),
    flags: Object.fromEntries(picked.sort().map(name => [name, true]))
  }
}

function pick(shares: Shares, hundredth: number): string {
  let upTo = 0
  for (const [name, share] of Object.entries(shares)) {
    upTo += share
    if (hundredth < upTo) return name
  }
  throw new RangeError('the shares do not add up to 100')
}

/**
 * The first of several directories that knows a user answers for it. Writes go to the first one that takes them; what is
 * removed there may still be known further on.
 */
export function firstOf(...directories: UserDirectory[]): UserDirectory {
  const put = directories.find(directory => directory.put !== undefined)
  const remove = directories.find(directory => directory.remove !== undefined)
  return {
    lookup: async userIds => {
      const found = new Map<string, UserMetadata | null>()
      let missing = userIds
      for (const directory of directories) {
        if (missing.length === 0) break
        for (const [userId, metadata] of await directory.lookup(missing)) found.set(userId, metadata)
        missing = missing.filter(userId => !found.has(userId))
      }
      return found
    },
    ...(put && { put: (userId: string, metadata: UserMetadata) => put.put!(userId, metadata) }),
    ...(remove && { remove: (userId: string) => remove.remove!(userId) })
  }
}

function known(userIds: string[], find: (userId: string) => UserMetadata | undefined): Map<string, UserMetadata> {
  const found = new Map<string, UserMetadata>()
  for (const userId of userIds) {
    const metadata = find(userId)
    if (metadata !== undefined) found.set(userId, metadata)
  }
  return found
}
