/** Settings that browser and Node share. Times in milliseconds. */
export interface InitOptions {
  /** Where the platform answers, as `https://telemetry.example.com`. */
  endpoint: string
  /** A write key. It can only write, so it may stand in a page. */
  key: string
  /** Who it is. Without it, an id is made up, and no session begins before something happens. */
  user?: string
  /** False: nothing is recorded, stored or sent until `consent(true)`. Default true. */
  consent?: boolean
  /** How long an event may wait for company. Default 5,000. */
  flushMs?: number
  /** Time between heartbeats while there is activity. Default 60,000. */
  heartbeatMs?: number
  /** Without activity for so long, the next one begins a new session. Default 1,800,000 (30 minutes). */
  idleMs?: number
  /** An attempt without an answer is given up after so long. Default 10,000. */
  requestMs?: number
  /** How long `shutdown` may go on sending. Default 2,000. */
  shutdownMs?: number
  /** Events that may wait. A newer one is refused when there are so many. Default 10,000. */
  maxEvents?: number
  /** Bytes of events that may wait. Default 5,000,000. */
  maxBytes?: number
}

const defaults = {
  consent: true,
  flushMs: 5_000,
  heartbeatMs: 60_000,
  idleMs: 1_800_000,
  requestMs: 10_000,
  shutdownMs: 2_000,
  maxEvents: 10_000,
  maxBytes: 5_000_000
}

export type Settings = Required<Omit<InitOptions, 'user'>> & { user: string | undefined }

/** @throws TypeError for an endpoint that is no URL or a key that is empty; RangeError for a number that is not above 0 */
export function settingsOf(options: InitOptions): Settings {
  const settings: Settings = { ...defaults, endpoint: options.endpoint, key: options.key, user: options.user }
  for (const name of Object.keys(defaults) as (keyof typeof defaults)[]) {
    const value = options[name] ?? defaults[name]
    if (typeof value === 'number' && !(value > 0 && value < 2 ** 31)) {
      throw new RangeError(`${name} must be above 0 and below 2^31, not ${value}`)
    }
    Object.assign(settings, { [name]: value })
  }
  if (!settings.key) throw new TypeError('key must be a write key')
  // Without the slash at its end, and a TypeError when it is none.
  settings.endpoint = new URL(settings.endpoint).href.replace(/\/+$/, '')
  return settings
}
