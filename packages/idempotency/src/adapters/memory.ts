import type { Answer } from '../answer.ts'
import { LeaseLostError } from '../errors.ts'
import type { Claim, IdempotencyStore, Lease, Reservation, Scope } from '../store.ts'

export interface MemoryStoreOptions {
  /** Milliseconds since some start. Default: the process's monotonic clock. */
  now?: () => number
  /** Records at most; a new key beyond that is refused with a RangeError. Default 10,000. */
  maxRecords?: number
}

interface Entry {
  /** `undefined`: released. */
  fingerprint: string | undefined
  fence: number
  attempt: number
  leasedUntil: number
  expiresAt: number
  answer: Answer | undefined
}

/**
 * Records in this process's memory: for tests, and for a single process whose effects are in memory too. It is not atomic:
 * a handler that changed something and then failed has changed it. A restart forgets all keys.
 */
export function memoryStore(options: MemoryStoreOptions = {}): IdempotencyStore<undefined> {
  const { now = () => performance.now(), maxRecords = 10_000 } = options
  if (!Number.isInteger(maxRecords) || maxRecords < 1) throw new RangeError(`maxRecords is from 1, not ${maxRecords}`)
  const entries = new Map<string, Entry>()
  let fences = 0

  const own = (lease: Lease): Entry | undefined => {
    const entry = entries.get(nameOf(lease))
    if (entry?.fence !== lease.fence || entry.fingerprint === undefined || entry.answer !== undefined) return
    return entry
  }
  const sweep = (limit: number): number => {
    let swept = 0
    for (const [name, { expiresAt }] of entries) {
      if (swept >= limit) break
      if (expiresAt <= now() && entries.delete(name)) swept++
    }
    return swept
  }
  const begin = (claim: Claim, attempt: number): Reservation => {
    const fence = ++fences
    entries.set(nameOf(claim), {
      fingerprint: claim.fingerprint,
      fence,
      attempt,
      leasedUntil: now() + claim.leaseMs,
      expiresAt: now() + claim.ttlMs,
      answer: undefined
    })
    const { tenant, route, key } = claim
    return { kind: 'started', lease: { tenant, route, key, fence, attempt } }
  }

  return {
    atomic: false,
    async reserve(claim) {
      const entry = entries.get(nameOf(claim))
      if (entry === undefined) {
        if (entries.size >= maxRecords && sweep(maxRecords) === 0) {
          throw new RangeError(`${maxRecords} idempotency records are kept already, and none is past its time`)
        }
        return begin(claim, 1)
      }
      if (entry.expiresAt <= now() || entry.fingerprint === undefined) return begin(claim, 1)
      if (entry.fingerprint !== claim.fingerprint) return { kind: 'mismatch' }
      if (entry.answer !== undefined) return { kind: 'replay', answer: entry.answer }
      if (entry.leasedUntil <= now()) return begin(claim, entry.attempt + 1)
      return { kind: 'in-flight', leftMs: entry.leasedUntil - now() }
    },
    async renew(lease, leaseMs) {
      const entry = own(lease)
      if (entry === undefined) return false
      entry.leasedUntil = now() + leaseMs
      entry.expiresAt = Math.max(entry.expiresAt, entry.leasedUntil)
      return true
    },
    async settle(lease, ttlMs, work) {
      const answer = await work(undefined)
      const entry = own(lease)
      if (entry === undefined) throw new LeaseLostError(lease.fence)
      entry.answer = answer
      entry.expiresAt = now() + ttlMs
    },
    async release(lease) {
      const entry = own(lease)
      if (entry !== undefined) entry.fingerprint = undefined
    },
    transaction: work => work(undefined),
    sweep: async ({ limit }) => sweep(limit)
  }
}

const nameOf = ({ tenant, route, key }: Scope): string => JSON.stringify([tenant, route, key])
