/** What the core needs from where it runs, and the words that all parts share. Times are milliseconds since 1970. */

/** Time, as the machine's wall clock tells it. */
export interface Clock {
  wallNow(): number
  /** Calls `fn` once, after `ms`. It does not keep a process alive. */
  setTimer(fn: () => void, ms: number): unknown
  clearTimer(handle: unknown): void
}

/** An event as it waits: its id, and the JSON text that every attempt sends, to the letter. */
export interface Queued {
  readonly id: string
  readonly body: string
}

export type Counts = Record<string, number>

/** Losses on their way to the server. It keeps its id until it was acknowledged, so that it is added there once. */
export interface Report {
  readonly id: string
  readonly since: string
  readonly until: string
  readonly losses: Counts
}

/** An event that is done with; with a reason when it was lost. */
export type Settled = readonly [id: string, reason?: string]

/** Where events wait. Each method is one transaction: it is done whole or it rejects. */
export interface Store {
  /** Takes an event, or counts it as `queue_full` and resolves to false when there is no room. */
  add(event: Queued): Promise<boolean>
  /** The oldest, at least one when there is any. */
  read(events: number, bytes: number): Promise<Queued[]>
  /** Removes events and counts those with a reason as lost. One that is not here any more is not counted. */
  settle(settled: readonly Settled[]): Promise<void>
  lose(losses: Counts): Promise<void>
  /** The report under way, or else a new one of all that is counted, under this id; undefined when nothing is. */
  report(id: string): Promise<Report | undefined>
  acknowledge(reportId: string): Promise<void>
  /** Counted, and not acknowledged. */
  losses(): Promise<Counts>
  /** Leaves nothing behind. What is added later begins afresh. */
  erase(): Promise<void>
  /** Gives back what it holds. What it keeps stays where it is. */
  close(): Promise<void>
}

export interface Answer {
  status: number
  /** From `Retry-After`; undefined when the server did not say. */
  retryAfterMs: number | undefined
  /** The parsed body; undefined when it is not JSON. */
  body: unknown
}

/** Posts JSON text; rejects when no answer came. */
export type Transport = (path: string, body: string, options?: PostOptions) => Promise<Answer>
export interface PostOptions {
  /** The page may be gone before the answer comes. Sent uncompressed and at once. */
  keepalive?: boolean
  signal?: AbortSignal
}

/** One value that outlives a reload where that is possible. It never throws. */
export interface Slot<T> {
  load(): T | undefined
  save(value: T | undefined): void
}

export interface Ports {
  clock: Clock
  /** From 0 up to 1. */
  random(): number
  newId(): string
  transport: Transport
  /** Where this client's events are put. */
  store: Store
  /** Everything that this client is to deliver: its own store, and those of processes that are gone. */
  stores(): Promise<Store[]>
  session: Slot<SessionRecord>
  pace: Slot<Pace>
  /** Runs `work` while no other tab runs its own. */
  exclusive<T>(work: () => Promise<T>): Promise<T>
  /** Whether somebody may be looking. */
  isVisible(): boolean
  /** Tells what happens around the client until the returned function is called. */
  watch(on: Watchers): () => void
  /** Tells the other tabs. */
  tellConsent(given: boolean): void
}

export interface Watchers {
  activity(): void
  hidden(): void
  online(): void
  /** Given or withdrawn in another tab. */
  consent(given: boolean): void
}

/** The session as all tabs share it. */
export interface SessionRecord {
  /** Empty when it was ended. */
  session: string
  user: string
  /** The last activity. */
  seen: number
  /** The last heartbeat, or the start. */
  beat: number
}

/** How the sender stands with the server, as all tabs share it. */
export interface Pace {
  /** No attempt before this. */
  until: number
  /** Attempts in a row that failed. */
  failures: number
  /** The server itself asked for the wait, so nothing may cut it short. */
  told: boolean
  /** What is left of the retry budget. */
  tokens: number
}
