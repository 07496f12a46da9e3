import type { StartedPlatform } from '@plimsoll/bench'
import { project } from './night.ts'

export interface Books {
  accepted: number
  pending: number | null
  balanced: boolean
}

/** The project's books when everything accepted is counted; after a minute as they are. */
export async function settledBooks(platform: StartedPlatform): Promise<Books> {
  let books = await platform.get<Books>('/v1/ledger', project)
  for (let tries = 0; tries < 240 && books.pending !== 0; tries++) {
    await new Promise(resolve => setTimeout(resolve, 250))
    books = await platform.get<Books>('/v1/ledger', project)
  }
  return books
}
