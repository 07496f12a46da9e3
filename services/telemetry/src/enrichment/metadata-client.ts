import { type Clock, DEADLINE_HEADER, formatDeadlineHeader } from '@plimsoll/resilience'
import { Pool } from 'undici'
import { absent, type Enrichment, unknown } from './enrichment.ts'

/** The metadata API answered with a status that is neither an answer nor a "no such user". */
export class MetadataStatusError extends Error {
  override name = 'MetadataStatusError'
  readonly status: number
  constructor(status: number) {
    super(`the metadata API answered ${status}`)
    this.status = status
  }
}

export interface CallOptions {
  signal?: AbortSignal
  /** When the caller stops waiting, by the client's clock; what is left is passed on as X-Request-Deadline. */
  deadline?: number
}

export interface MetadataClient {
  /**
   * Asks for many users in one request. Every one is in the map: known, absent, or unknown when what the API says of them
   * is outside its contract. That costs no other their answer; only an answer that cannot be read at all rejects.
   */
  fetchMany(userIds: readonly string[], options?: CallOptions): Promise<Map<string, Enrichment>>
  /** Asks for one user. */
  fetchOne(userId: string, options?: CallOptions): Promise<Enrichment>
  close(): Promise<void>
}

export interface MetadataClientOptions {
  clock: Clock
  /** Default 32. */
  connections?: number
  /** Further headers of each call. Default: none. */
  outboundHeaders?: () => Record<string, string>
}

/** A client of the metadata service's HTTP contract, and nothing more: no retry, no cache, no time limit of its own. */
export function createMetadataClient(
  origin: string,
  { clock, connections = 32, outboundHeaders = () => ({}) }: MetadataClientOptions
): MetadataClient {
  const pool = new Pool(origin, { connections, headersTimeout: 0, bodyTimeout: 0 })
  const headersFor = ({ deadline = Number.POSITIVE_INFINITY }: CallOptions): Record<string, string> => {
    const left = formatDeadlineHeader(deadline, clock)
    return { ...outboundHeaders(), ...(left !== null && { [DEADLINE_HEADER]: left }) }
  }
  return {
    async fetchMany(userIds, options = {}) {
      const ids = userIds.filter(canBeAsked)
      if (ids.length === 0) return new Map(userIds.map(id => [id, absent]))
      const { statusCode, body } = await pool.request({
        method: 'POST',
        path: '/v1/users/metadata',
        headers: { ...headersFor(options), 'content-type': 'application/json' },
        body: JSON.stringify({ ids }),
        signal: options.signal ?? null
      })
      if (statusCode !== 200) {
        await body.dump()
        throw new MetadataStatusError(statusCode)
      }
      const answer = await body.json()
      const users = isObject(answer) ? answer.users : undefined
      if (!isObject(users)) throw new Error('the metadata API answered outside its contract: there are no users in it')
      return new Map(userIds.map(id => [id, Object.hasOwn(users, id) ? judged(users[id]) : absent]))
    },
    async fetchOne(userId, options = {}) {
      if (!canBeAsked(userId)) return absent
      const { statusCode, body } = await pool.request({
        method: 'GET',
        path: `/v1/users/${encodeURIComponent(userId)}/metadata`,
        headers: headersFor(options),
        signal: options.signal ?? null
      })
      if (statusCode === 200) return judged(await body.json())
      await body.dump()
      if (statusCode === 404) return absent
      throw new MetadataStatusError(statusCode)
    },
    close: () => pool.destroy()
  }
}

/** The most characters of an id by the API's contract. It counts code points; an event's id is counted as it is read. */
const longestId = 200

/**
 * Whether the contract takes this id. What it does not take the directory cannot have, so that is absent; asked for, it
 * would be refused with 400, and all that is asked for in the same request with it, again and again.
 */
function canBeAsked(id: string): boolean {
  if (id === '' || !id.isWellFormed()) return false
  return id.length <= longestId || (id.length <= 2 * longestId && [...id].length <= longestId)
}

const label = /^[a-z0-9_-]{1,32}$/
const flagName = /^[A-Za-z0-9_.-]{1,64}$/
const mostFlags = 64

/**
 * The labels become keys of read models, so what does not look like one is a fault of the API, not data: nothing is known
 * of that user then, and they are asked for again.
 */
function judged(answer: unknown): Enrichment {
  if (!isObject(answer)) return unknown
  const { tier, region, flags = {} } = answer
  return isLabel(tier) && isLabel(region) && areFlags(flags) ? { state: 'known', tier, region, flags } : unknown
}

function isObject(value: unknown): value is Record<string, unknown> {
  return value !== null && typeof value === 'object' && !Array.isArray(value)
}

/** A pattern alone would take what is absent: its text is "undefined". */
function isLabel(value: unknown): value is string {
  return typeof value === 'string' && label.test(value)
}

/** A flag that the store cannot hold would fail the batch that it is written in. */
function areFlags(value: unknown): value is Record<string, boolean> {
  if (!isObject(value)) return false
  const flags = Object.entries(value)
  return flags.length <= mostFlags && flags.every(([name, on]) => flagName.test(name) && typeof on === 'boolean')
}
