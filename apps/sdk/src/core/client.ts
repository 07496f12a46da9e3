import { sumOf } from './books.ts'
import { createLastWords } from './last-words.ts'
import { bytesOf, eventBytes } from './limits.ts'
import { createLosses } from './losses.ts'
import type { Counts, Ports, SessionRecord } from './ports.ts'
import { createSender } from './sender.ts'
import { createSessionClock } from './session-clock.ts'
import type { Settings } from './settings.ts'

/** What is told of one use of a feature. Further members become free data of the event. */
export interface FeatureUse {
  outcome?: 'ok' | 'client_error' | 'server_error'
  durationMs?: number
  /** An HTTP status. */
  status?: number
  [attribute: string]: unknown
}

/** Records, keeps and sends. No method throws or waits for anything; what could not be kept is counted in `losses`. */
export interface Client {
  readonly session: {
    /** The session now; undefined when there is none. */
    readonly id: string | undefined
    /** Begins a session unless one is live. Every recorded event does this by itself. */
    start(): void
    /** Says that the session goes on. While there is activity, this is done every `heartbeatMs` by itself. */
    heartbeat(): void
    end(): void
  }
  /** A feature was used. */
  feature(name: string, use?: FeatureUse): void
  /** Who it is from here on. A live session of somebody else ends. */
  identify(user: string): void
  /** Without consent nothing is recorded, stored or sent, and what was stored is erased. */
  consent(given: boolean): void
  /** Sends now, unless the server asked to wait. Resolves to true when nothing is left to send; never rejects. */
  flush(): Promise<boolean>
  /** Ends the session, sends for at most `shutdownMs`, and lets go of everything. What was not sent stays stored. */
  shutdown(): Promise<void>
  /** What was lost and not yet told to the server, by reason. */
  losses(): Promise<Counts>
}

export function createClient(ports: Ports, settings: Settings): Client {
  const { clock, store, newId } = ports
  const now = () => clock.wallNow()
  let open = true
  let consented = false
  /** Counts erasures: what was on its way to the store before one must not come back after it. */
  let erasures = 0
  /** Not yet answered for by the store. Bounded as the queue is, for a store that does not keep up. */
  let unstored = 0
  let unstoredBytes = 0
  let sendTimer: unknown
  let beatTimer: unknown
  let sending: Promise<boolean> | undefined
  /** Asked for while one is under way, which may have looked at the queue before the newest came. */
  let again = false

  const losses = createLosses({ ...ports })
  const words = createLastWords(now)
  const sender = createSender({ ports, losses, onSettled: words.settled })

  const record = (type: string, { session, user }: SessionRecord, data?: object) => {
    const id = newId()
    let body: string
    try {
      body = JSON.stringify({
        id,
        type,
        time: new Date(now()).toISOString(),
        user: { id: user },
        session: { id: session },
        data
      })
    } catch {
      return losses.count('invalid_event')
    }
    const bytes = bytesOf(body)
    if (bytes > eventBytes) return losses.count('event_too_large')
    if (unstored >= settings.maxEvents || unstoredBytes + bytes > settings.maxBytes) return losses.count('queue_full')
    const event = { id, body }
    const before = erasures
    unstored++
    unstoredBytes += bytes
    store
      .add(event)
      // Only what is kept for sure: what counts as lost must not be sent all the same.
      .then(taken => taken && before === erasures && words.add(event))
      .catch(() => before === erasures && losses.count('storage_failed'))
      .finally(() => {
        unstored--
        unstoredBytes -= bytes
        // A slow store may have outlasted the timer below.
        if (open && consented) arm(settings.flushMs)
      })
    arm(settings.flushMs)
  }

  const sessions = createSessionClock({ ...settings, slot: ports.session, now, newId, emit: record })

  const arm = (ms: number) => {
    sendTimer ??= clock.setTimer(() => {
      sendTimer = undefined
      void send(false)
    }, ms)
  }
  const disarm = () => {
    clock.clearTimer(sendTimer)
    sendTimer = undefined
  }
  const send = (force: boolean): Promise<boolean> => {
    if (!consented) return Promise.resolve(true)
    again = sending !== undefined
    sending ??= ports
      .exclusive(() => (consented ? sender.send(force) : Promise.resolve(true)))
      .catch(() => false)
      .then(done => {
        sending = undefined
        if ((!done || again) && open && consented) arm(Math.max(sender.wait(), settings.flushMs))
        return done
      })
    return sending
  }
  const beatOn = () => {
    beatTimer = clock.setTimer(() => {
      if (ports.isVisible()) quietly(sessions.tick)
      beatOn()
    }, settings.heartbeatMs)
  }

  const begin = () => {
    consented = true
    // At once, for what an earlier page or process left.
    arm(0)
    if (settings.user) {
      sessions.identify(settings.user)
      sessions.active()
    }
    beatOn()
  }
  const rest = () => {
    consented = false
    disarm()
    clock.clearTimer(beatTimer)
  }
  const setConsent = (given: boolean) => {
    if (!open || given === consented) return
    if (given) return begin()
    rest()
    sender.abort()
    erase()
  }
  const erase = () => {
    erasures++
    words.take()
    losses.forget()
    ports.session.save(undefined)
    ports.pace.save(undefined)
    store.erase().catch(() => undefined)
  }
  const quietly = (work: () => void) => {
    if (!consented) return
    try {
      work()
    } catch {
      // The host's own work goes on whatever happens here.
    }
  }

  const unwatch = ports.watch({
    activity: () => quietly(sessions.stirred),
    hidden: () =>
      quietly(() => {
        const last = words.take()
        if (last.length > 0) sender.sendLast(last)
      }),
    online: () => void send(true),
    consent: setConsent
  })
  if (settings.consent) begin()
  else erase()

  const flush = async () => {
    await sending
    disarm()
    return send(true)
  }

  return {
    session: {
      get id() {
        return (consented && sessions.id) || undefined
      },
      start: () => quietly(sessions.active),
      heartbeat: () => quietly(sessions.beat),
      end: () => quietly(sessions.end)
    },
    feature: (name, use) => quietly(() => record('feature.used', sessions.active(), { ...use, feature: name })),
    identify: user => quietly(() => sessions.identify(user)),
    consent(given) {
      if (open && given !== consented) ports.tellConsent(given)
      setConsent(given)
    },
    flush,
    async shutdown() {
      if (!open) return
      quietly(sessions.end)
      open = false
      const late = Promise.withResolvers<void>()
      const timer = clock.setTimer(late.resolve, settings.shutdownMs)
      await Promise.race([flush(), late.promise])
      clock.clearTimer(timer)
      rest()
      unwatch()
      sender.abort()
      await store.close().catch(() => undefined)
    },
    losses: async () => sumOf(await store.losses().catch(() => ({})), losses.unsaved())
  }
}
