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
}

export interface Exit {
  at: string
  code: number | null
  signal: string | null
  /** How long the platform had been up, in milliseconds. */
  upMs: number
}
