import Type, { type Static } from 'typebox'

/** What `GET /v1/subscribers` answers: how each subscriber of the log stands. */

export const SubscriberRow = Type.Object({
  name: Type.String(),
  /** Up to where in the log it has handled everything, or parked it. */
  cursor: Type.String(),
  /** Entries of the log that it has not reached; nearly, since numbers are lost by transactions that fail. Null: the log cannot be asked. */
  behind: Type.Union([Type.Integer({ minimum: 0 }), Type.Null()]),
  /** Age of the oldest of them, in seconds. */
  lagSeconds: Type.Number({ minimum: 0 }),
  /** Entries a second, over the last ten seconds. */
  perSecond: Type.Number({ minimum: 0 }),
  /** Failed rounds since the last that worked. */
  attempts: Type.Integer({ minimum: 0 }),
  /** Keys in which something waits behind a failure. */
  parkedKeys: Type.Integer({ minimum: 0 }),
  state: Type.Union(
    [Type.Literal('running'), Type.Literal('behind'), Type.Literal('waiting'), Type.Literal('stopped')],
    {
      description: 'behind: by more than ten seconds; waiting: the world is at fault, and it tries again by itself'
    }
  ),
  /** What the last failure said. */
  error: Type.Union([Type.String(), Type.Null()])
})
export type SubscriberRow = Static<typeof SubscriberRow>

export const SubscribersAnswer = Type.Object({
  subscribers: Type.Array(SubscriberRow),
  /** What the log was asked for all of them: entries read, those that came with a commit, and those handed out. */
  reads: Type.Object({ pages: Type.Integer(), entries: Type.Integer(), heard: Type.Integer(), given: Type.Integer() }),
  at: Type.String({ format: 'date-time' })
})
export type SubscribersAnswer = Static<typeof SubscribersAnswer>
