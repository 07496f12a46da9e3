import type { ServerSettings } from './server.ts'

/** What the thread is given when it begins. */
export interface Start {
  memory: SharedArrayBuffer
  host: string
  /** 0 takes a free one. */
  port: number
  settings: ServerSettings
}

/** What it says once. */
export type Tell = { listening: number } | { failed: string; code: string | undefined }
