import type { DataDirectory } from './data-directory.ts'
import type { Settings } from './settings.ts'

/** The master key of users: as set, or the one of the data folder, which the first start makes. */
export function masterKeyOf({ usersMasterKey }: Settings, data: DataDirectory): Buffer {
  return Buffer.from(usersMasterKey || data.usersKey, 'base64url')
}
