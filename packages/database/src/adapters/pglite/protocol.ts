/**
 * The outcome of a procedure and what it notified. Arguments and outcomes travel as JSON text: thousands of small objects
 * cost several times less so than as structured clones, on both sides. Notifications are cloned, and the bytes in
 * them change hands.
 */
export interface Called {
  result: unknown
  notifications: [string, unknown[]][]
  commits: number
  rollbacks: number
}

/** What the main thread asks of the worker that owns the embedded engine, and what it is told. */
export type Ask =
  | { id: number; op: 'query'; sql: string; parameters: (string | null)[] }
  | { id: number; op: 'exec'; sql: string }
  | { id: number; op: 'copy'; sql: string; bytes: Uint8Array<ArrayBuffer> }
  | { id: number; op: 'call'; module: string; argument: string | Uint8Array<ArrayBuffer> }
  | { id: number; op: 'syncs' }
  | { id: number; op: 'close' }

export type Tell =
  | { ready: true }
  | { segment: string }
  | { id: number; columns: string[]; rows: unknown[][]; affected: number }
  | { id: number; value: number }
  | ({ id: number; result: string } & Omit<Called, 'result'>)
  | { id: number; error: WireError }
  | { failed: WireError }

export interface WireError {
  message: string
  code: string
  detail?: string | undefined
  constraint?: string | undefined
}
