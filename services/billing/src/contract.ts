import Type, { type Static } from 'typebox'

/**
 * The HTTP contract of billing. A billable session is a visit (activity without a gap of more than 30 minutes), billed in the
 * month (UTC) in which it began. Counts and amounts are whole numbers; an amount is in the smallest unit of its currency.
 */

const Project = Type.String({ pattern: '^[a-z0-9][a-z0-9_-]{0,63}$' })
const Month = Type.String({ pattern: '^[1-9][0-9]{3}-(0[1-9]|1[0-2])$', description: 'A month in UTC, as 2026-11' })
const Time = Type.String({ format: 'date-time' })
const Position = Type.String({ pattern: '^(0|[1-9][0-9]{0,18})\\.(0|[1-9][0-9]{0,14})$' })

export const ProjectParams = Type.Object({ project: Project })
export const MonthParams = Type.Object({ project: Project, month: Month })

/** `billing`: it holds all that was committed before the question, waited for, or there is none. */
const Consistency = Type.Union([Type.Literal('eventual'), Type.Literal('billing')], {
  description: 'Default eventual.'
})
const demand = {
  consistency: Type.Optional(Consistency),
  minPosition: Type.Optional(
    Type.String({
      ...Position,
      description:
        'Holds everything up to this Plimsoll-Position, waited for; or 503 position_not_reached, or 400 unknown_position when the log ends before it'
    })
  )
}
export const MonthQuery = Type.Object(demand)
export type MonthQuery = Static<typeof MonthQuery>

export const Freshness = Type.Object({
  asOf: Time,
  /** Age of the oldest event that is in the log and not counted here, in milliseconds. */
  lagMs: Type.Number({ minimum: 0 }),
  /**
   * True when every event in the log at `asOf` is counted here, and none waits behind a failure. False of a month of which the log had
   * lost some (`keepEventsDays`) when the books were made again from it.
   */
  complete: Type.Boolean(),
  position: Position,
  /** Sessions of which something could not be counted yet. */
  parkedKeys: Type.Integer({ minimum: 0 })
})

const price = {
  unitPrice: Type.Integer({ minimum: 0 }),
  currency: Type.String({ description: 'ISO 4217' })
}
export const Line = Type.Object({
  kind: Type.Union([Type.Literal('invoice'), Type.Literal('correction')]),
  position: Type.String({ description: 'where in the log: up to where an invoice holds everything' }),
  event: Type.Union([Type.String(), Type.Null()], { description: 'the event that caused a correction' }),
  sessions: Type.Integer(),
  ...price,
  amount: Type.Integer(),
  at: Time
})
export type Line = Static<typeof Line>

export const MonthAnswer = Type.Object({
  project: Type.String(),
  month: Type.String(),
  state: Type.Union([Type.Literal('open'), Type.Literal('invoiced')]),
  sessions: Type.Integer({ description: 'as counted now' }),
  ...price,
  amount: Type.Integer({ description: 'invoice and corrections; while open, sessions by the price of now' }),
  invoice: Type.Union([Line, Type.Null()]),
  corrections: Type.Object({ entries: Type.Integer(), sessions: Type.Integer(), amount: Type.Integer() }),
  freshness: Freshness
})
export type MonthAnswer = Static<typeof MonthAnswer>

export const MonthsAnswer = Type.Object({
  project: Type.String(),
  months: Type.Array(
    Type.Object({ month: Type.String(), sessions: Type.Integer(), state: MonthAnswer.properties.state })
  ),
  freshness: Freshness
})

export const LinesQuery = Type.Object({
  after: Type.Optional(Type.String({ ...Position, description: '`next` of the page before' })),
  limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 1_000, description: 'Default 100.' }))
})
export const LinesAnswer = Type.Object({
  project: Type.String(),
  month: Type.String(),
  entries: Type.Array(Line),
  next: Type.Union([Type.String(), Type.Null()])
})

export const RecomputeAnswer = Type.Object({
  equal: Type.Boolean({ description: 'true when the live books and those made from the log have the same bytes' }),
  live: Type.String({ description: 'SHA-256 of the live books' }),
  replayed: Type.String(),
  entries: Type.Integer({ description: 'entries of the log that were read' }),
  position: Type.String()
})
