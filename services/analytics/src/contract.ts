import Type, { type Static } from 'typebox'

/**
 * The HTTP contract of the read side. Every answer says how fresh and how complete it is (promise P6).
 * Times are ISO 8601 in UTC with milliseconds; counts are whole numbers; latencies are milliseconds.
 */

/** How much an answer can be trusted: what it is as of, how far it is behind, and what is still missing from it. */
export const Freshness = Type.Object({
  /** When the read model last held everything that was written before it. */
  asOf: Type.String({ format: 'date-time' }),
  /** Age of the oldest event that is in the log and not yet in this answer, in milliseconds; 0 when there is none. */
  lagMs: Type.Number({ minimum: 0 }),
  /** True when every event in the log at `asOf` is counted here. */
  complete: Type.Boolean(),
  /** Share (0 to 1) of the sessions in range whose plan tier and region could not be asked for yet. */
  unknownShare: Type.Number({ minimum: 0, maximum: 1 }),
  /** True when the read store could not be asked and this is the last good answer. */
  stale: Type.Boolean(),
  /** Up to where in the log this answer holds everything: comparable with `Plimsoll-Position` of the write side. */
  position: Type.Optional(Type.String())
})
export type Freshness = Static<typeof Freshness>

const TierCounts = Type.Record(Type.String(), Type.Integer())

export const FeatureRow = Type.Object({
  feature: Type.String(),
  uses: Type.Integer(),
  /** Distinct users; exact while `usersError` is 0. */
  users: Type.Integer(),
  usersError: Type.Number(),
  clientErrors: Type.Integer(),
  serverErrors: Type.Integer(),
  /** (client + server errors) / uses. */
  errorRate: Type.Number(),
  /** Null when no use of the feature carried a duration. */
  p50: Type.Union([Type.Number(), Type.Null()]),
  p95: Type.Union([Type.Number(), Type.Null()]),
  p99: Type.Union([Type.Number(), Type.Null()])
})
export type FeatureRow = Static<typeof FeatureRow>

/**
 * `eventual`: an answer made a moment ago may do. `latest`: it is made after the question was asked. `billing`: it holds all
 * that was committed before the question, or there is none.
 */
const Consistency = Type.Union([Type.Literal('eventual'), Type.Literal('latest'), Type.Literal('billing')], {
  default: 'eventual'
})
export type Consistency = Static<typeof Consistency>

/** What a caller may ask of an answer's freshness. */
const demand = {
  consistency: Type.Optional(Consistency),
  /** An answer that holds everything up to this `Plimsoll-Position`, waited for; or 503 `position_not_reached`, or 400 `unknown_position` when the log ends before it. */
  minPosition: Type.Optional(Type.String({ pattern: '^[0-9]{1,20}\\.[0-9]{1,16}$' }))
}

export const ProjectsQuery = Type.Object(demand)
export type ProjectsQuery = Static<typeof ProjectsQuery>

const ProjectName = Type.String({ default: 'default', minLength: 1, maxLength: 64 })

export const DashboardQuery = Type.Object({
  ...demand,
  project: ProjectName,
  /** Start of the range, inclusive; snapped down to the hour. Default: the project's suggested range. */
  from: Type.Optional(Type.String({ format: 'date-time' })),
  /** End of the range, exclusive; snapped up to the hour. */
  to: Type.Optional(Type.String({ format: 'date-time' })),
  /** Regions to keep, comma-separated; absent = all. */
  region: Type.Optional(Type.String({ maxLength: 512 })),
  /** How many features to list. */
  top: Type.Optional(Type.Integer({ minimum: 1, maximum: 100, default: 10 }))
})
export type DashboardQuery = Static<typeof DashboardQuery>

export const Dashboard = Type.Object({
  project: Type.String(),
  range: Type.Object({
    from: Type.String({ format: 'date-time' }),
    to: Type.String({ format: 'date-time' }),
    /** Width of a point of `trend` and `quality`. */
    step: Type.Union([Type.Literal('hour'), Type.Literal('day')])
  }),
  /** The filter in force; empty = all. */
  regions: Type.Array(Type.String()),
  /** Every region seen in the range, before the filter. */
  availableRegions: Type.Array(Type.String()),
  freshness: Freshness,
  active: Type.Object({
    /** Sessions with activity in the last 5 minutes that have not ended. */
    now: Type.Integer(),
    /** Sessions with activity in the last 24 hours. */
    last24h: Type.Integer(),
    byTier: TierCounts,
    /** Sessions started per day, the 7 days that end with the range (UTC days, oldest first). */
    trend7d: Type.Array(Type.Object({ day: Type.String(), sessions: Type.Integer() }))
  }),
  sessions: Type.Object({
    total: Type.Integer(),
    users: Type.Integer(),
    /** Relative standard error of `users`; 0 = exact. */
    usersError: Type.Number(),
    byTier: TierCounts,
    byDay: Type.Array(Type.Object({ day: Type.String(), sessions: Type.Integer() })),
    /** Sessions started per step, by plan tier; steps without a session are left out. */
    trend: Type.Array(Type.Object({ time: Type.String({ format: 'date-time' }), tiers: TierCounts }))
  }),
  features: Type.Array(FeatureRow),
  /** Feature uses by outcome and by HTTP status class (where the event carried one). */
  outcomes: Type.Object({ ok: Type.Integer(), client_error: Type.Integer(), server_error: Type.Integer() }),
  statusClasses: Type.Object({
    '1xx': Type.Integer(),
    '2xx': Type.Integer(),
    '3xx': Type.Integer(),
    '4xx': Type.Integer(),
    '5xx': Type.Integer()
  }),
  latency: Type.Object({
    count: Type.Integer(),
    p50: Type.Union([Type.Number(), Type.Null()]),
    p95: Type.Union([Type.Number(), Type.Null()]),
    p99: Type.Union([Type.Number(), Type.Null()])
  }),
  /** Per step: uses, errors and latency, for the error-rate and latency strip. */
  quality: Type.Array(
    Type.Object({
      time: Type.String({ format: 'date-time' }),
      uses: Type.Integer(),
      errors: Type.Integer(),
      p50: Type.Union([Type.Number(), Type.Null()]),
      p95: Type.Union([Type.Number(), Type.Null()]),
      p99: Type.Union([Type.Number(), Type.Null()])
    })
  )
})
export type Dashboard = Static<typeof Dashboard>

export const ProjectSummary = Type.Object({
  project: Type.String(),
  sessions: Type.Integer(),
  events: Type.Integer(),
  /** First and last event time seen; null while the project is empty. */
  firstEvent: Type.Union([Type.String({ format: 'date-time' }), Type.Null()]),
  lastEvent: Type.Union([Type.String({ format: 'date-time' }), Type.Null()]),
  /** The last 7 days when there is data in them, else the data's own range: where a dashboard should open. */
  suggestedRange: Type.Object({ from: Type.String({ format: 'date-time' }), to: Type.String({ format: 'date-time' }) })
})
export type ProjectSummary = Static<typeof ProjectSummary>

export const Projects = Type.Object({ projects: Type.Array(ProjectSummary), freshness: Freshness })
export type Projects = Static<typeof Projects>

export const RetentionQuery = Type.Object({
  ...demand,
  project: ProjectName,
  /** How many cohorts, the last ones. */
  weeks: Type.Optional(Type.Integer({ minimum: 1, maximum: 104, default: 12 }))
})
export type RetentionQuery = Static<typeof RetentionQuery>

export const Retention = Type.Object({
  project: Type.String(),
  cohorts: Type.Array(
    Type.Object({
      /** The Monday (UTC) of the week in which these users were first seen. */
      week: Type.String(),
      users: Type.Integer(),
      /** Of them, those who were there 0, 1, 2 … weeks later, up to the latest week in which any user was. */
      retained: Type.Array(Type.Integer())
    })
  ),
  freshness: Freshness,
  /** It is brought up to date now and then: how often, when last, and what that took. */
  refresh: Type.Object({
    everyMs: Type.Integer(),
    lastAt: Type.Union([Type.String({ format: 'date-time' }), Type.Null()]),
    tookMs: Type.Number()
  })
})
export type Retention = Static<typeof Retention>

export const ViewStanding = Type.Object({
  name: Type.String(),
  version: Type.Integer(),
  key: Type.Array(Type.String()),
  mode: Type.Union([Type.Literal('on-event'), Type.Literal('periodic')]),
  /** Of a periodic view: how often it is refreshed. */
  everyMs: Type.Optional(Type.Integer()),
  /** Everything recorded before it is in the view. */
  asOf: Type.String({ format: 'date-time' }),
  /** How far that is behind, in milliseconds. */
  stalenessMs: Type.Number(),
  /** Time beside the engine since the start, in milliseconds: in steps of the log, and in refreshes. */
  cost: Type.Object({
    steps: Type.Integer(),
    stepMs: Type.Number(),
    msPerThousandEntries: Type.Union([Type.Number(), Type.Null()]),
    refreshes: Type.Integer(),
    refreshMs: Type.Number(),
    lastRefreshMs: Type.Number()
  }),
  /** `building`: it is built anew beside this one. `frozen`: and until then nothing is added to this one. */
  state: Type.Union([Type.Literal('live'), Type.Literal('building'), Type.Literal('frozen')])
})
export type ViewStanding = Static<typeof ViewStanding>

export const Views = Type.Object({
  views: Type.Array(ViewStanding),
  lagMs: Type.Number(),
  position: Type.String(),
  /** What is built beside the live views; null when nothing is. */
  rebuild: Type.Union([
    Type.Object({
      views: Type.Array(Type.String()),
      applied: Type.Integer(),
      perSecond: Type.Number(),
      /** At this rate; null before there is one. */
      secondsLeft: Type.Union([Type.Number(), Type.Null()])
    }),
    Type.Null()
  ])
})
export type Views = Static<typeof Views>

/** Which views to build anew; all of them when none is named. */
export const RebuildOrder = Type.Object(
  { views: Type.Optional(Type.Array(Type.String({ minLength: 1, maxLength: 64 }), { minItems: 1, maxItems: 50 })) },
  { additionalProperties: false }
)
export type RebuildOrder = Static<typeof RebuildOrder>

export const RebuildBegun = Type.Object({ views: Type.Array(Type.String()) })
export type RebuildBegun = Static<typeof RebuildBegun>
