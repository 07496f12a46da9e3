import type { Answer } from './answer.ts'

/** Whose key it is. One key of two tenants, or of two routes, is two records. */
export interface Scope {
  readonly tenant: string
  readonly route: string
  readonly key: string
}

export interface Claim extends Scope {
  readonly fingerprint: string
  /** How long the owner may be silent before another takes over, in milliseconds. */
  readonly leaseMs: number
  /** How long the record is kept, in milliseconds. */
  readonly ttlMs: number
}

/** The right to run. `fence` is never given twice for one scope, and a later owner's is higher (Kleppmann, 2016). */
export interface Lease extends Scope {
  readonly fence: number
  /** 1, or more when an earlier owner's lease ran out. */
  readonly attempt: number
}

export type Reservation =
  | { readonly kind: 'started'; readonly lease: Lease }
  | { readonly kind: 'replay'; readonly answer: Answer }
  | { readonly kind: 'in-flight'; readonly leftMs: number }
  | { readonly kind: 'mismatch' }

/** Where records are kept. `Tx` is what a handler is given to make its change with. */
export interface IdempotencyStore<Tx> {
  /** Whether the handler's change, the record and the answer are one transaction. The conformance suite checks it. */
  readonly atomic: boolean
  /**
   * One atomic step. A free key is `started`; so is one whose lease ran out, for the same fingerprint. A key that was
   * released is free for any fingerprint, since its request left nothing.
   */
  reserve(claim: Claim): Promise<Reservation>
  /** Makes the lease last `leaseMs` from now; `false` when it is another's, or over. */
  renew(lease: Lease, leaseMs: number): Promise<boolean>
  /**
   * Runs `work` and keeps its answer, if the lease's fence is still the record's. An atomic store does all of it in one
   * transaction, and undoes it when `work` throws.
   * @throws LeaseLostError, and what `work` threw
   */
  settle(lease: Lease, ttlMs: number, work: (tx: Tx) => Promise<Answer>): Promise<void>
  /** Frees the key, if the lease is still the record's and nothing was kept. The lease is over: it can settle no more. */
  release(lease: Lease): Promise<void>
  /** Runs `work` as `settle` does, with no key and nothing kept. */
  transaction<T>(work: (tx: Tx) => Promise<T>): Promise<T>
  /** Removes at most `limit` records that are past their time. Returns how many went. */
  sweep(options: { limit: number }): Promise<number>
}
