import Type, { type Static } from 'typebox'

/** The books of one project (promise P3): received = accepted + duplicate + rejected + quarantined; accepted = counted + pending. */
export const LedgerAnswer = Type.Object({
  project: Type.String(),
  received: Type.Integer(),
  accepted: Type.Integer(),
  duplicate: Type.Integer(),
  rejected: Type.Integer(),
  quarantined: Type.Integer(),
  /** Accepted events that the read side has counted; null when it could not be asked. */
  counted: Type.Union([Type.Integer(), Type.Null()]),
  /** Accepted and not yet counted; null when `counted` is. */
  pending: Type.Union([Type.Integer(), Type.Null()]),
  /** Events that wait on this machine's disk for the store and are in none of the above; null without a spool. */
  spooled: Type.Union([Type.Integer(), Type.Null()]),
  /** The same with its size and age; null without a spool. */
  spool: Type.Union([
    Type.Object({
      events: Type.Integer({ description: 'as `spooled`' }),
      bytes: Type.Integer({ description: 'of this project’s records' }),
      oldestAgeMs: Type.Union([Type.Integer(), Type.Null()], {
        description:
          'for how long, in milliseconds, the oldest has waited, of whatever project: none of this one waits for longer; null when none of it waits'
      })
    }),
    Type.Null()
  ]),
  /** True when both equations hold. */
  balanced: Type.Boolean(),
  /** Whole requests that were refused (bad JSON, too large, ...), by problem code; they are not events. */
  refused: Type.Record(Type.String(), Type.Integer()),
  /** What clients said they lost before it reached us, by reason. Not received, so in none of the sums above. */
  clientLosses: Type.Record(Type.String(), Type.Integer()),
  asOf: Type.String({ format: 'date-time' })
})
export type LedgerAnswer = Static<typeof LedgerAnswer>

/** What waits on this machine's disk while the store is away. It is told from memory: the store is not asked. */
export const SpoolAnswer = Type.Object({
  project: Type.String(),
  /** Events of this project that wait; null without a spool. */
  events: Type.Union([Type.Integer(), Type.Null()]),
  /** Age of the oldest that waits, of whatever project, in milliseconds; null when nothing does. */
  oldestAgeMs: Type.Union([Type.Integer(), Type.Null()]),
  /** Bytes that the spool takes on the disk, of all projects, and may take; null without a spool. */
  bytes: Type.Union([Type.Integer(), Type.Null()]),
  maxBytes: Type.Union([Type.Integer(), Type.Null()]),
  /** Events of all projects that were not taken since the start, their project's room being nearly full; null without a spool. */
  shed: Type.Union([Type.Integer(), Type.Null()]),
  /** Whether the store is believed to be away. */
  storeAway: Type.Boolean()
})
export type SpoolAnswer = Static<typeof SpoolAnswer>
