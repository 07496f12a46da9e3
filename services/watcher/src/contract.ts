/** What the platform tells its watcher, over the channel between parent and child. */
export type Report =
  | { kind: 'ready'; url: string; healthUrl: string; signInLink: string }
  | { kind: 'beat'; state: KnownState }
  | { kind: 'cannot-start'; message: string }

/** The last that was known of a platform: what the page shows when there is nothing more to ask. */
export interface KnownState {
  at: number
  pendingWrites: number
  /** Events on disk that wait for the primary store. */
  spooled: number
  breaker: string
  lagMs: number
  caughtUp: boolean
  rssBytes: number
  projects: { project: string; sessions: number; events: number; lastEvent: string | null }[]
  /** The last good answers of the dashboard, of the projects with the latest events. Default: none is known. */
  dashboards?: KnownDashboard[]
}

/** The last known answer of the dashboard for one project, cut to what the watcher's page shows. Times are ISO 8601. */
export interface KnownDashboard {
  project: string
  range: { from: string; to: string }
  asOf: string
  complete: boolean
  active: { now: number; last24h: number }
  sessions: number
  users: number
  byTier: [tier: string, sessions: number][]
  byDay: [day: string, sessions: number][]
  features: { feature: string; uses: number; users: number; errorRate: number; p95: number | null }[]
}

export interface Exit {
  at: string
  code: number | null
  signal: string | null
  /** How long the platform had been up, in milliseconds. */
  upMs: number
}
