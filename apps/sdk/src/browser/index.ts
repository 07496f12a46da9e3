import { type Client, createClient } from '../core/client.ts'
import { createIds } from '../core/event-id.ts'
import { httpTransport } from '../core/http-transport.ts'
import type { Clock, Watchers } from '../core/ports.ts'
import { type InitOptions, settingsOf } from '../core/settings.ts'
import { indexedDbStore } from './indexed-db-store.ts'
import { localSlot } from './slot.ts'

export type { Client, FeatureUse } from '../core/client.ts'

export interface BrowserOptions extends InitOptions {
  /** Names what is stored. Clients of one origin with the same name share a queue and a session. Default `plimsoll`. */
  name?: string
}

const clock: Clock = {
  wallNow: () => Date.now(),
  setTimer: (fn, ms) => setTimeout(fn, ms),
  clearTimer: handle => clearTimeout(handle as number)
}

/**
 * Begins to record in this page. The queue is in IndexedDB and is shared by the tabs of the origin, of which one at a
 * time sends (Web Locks); session, user and the sender's waiting time are in localStorage.
 * @throws TypeError or RangeError for settings that cannot be
 */
export function init({ name = 'plimsoll', ...options }: BrowserOptions): Client {
  const settings = settingsOf(options)
  const now = clock.wallNow
  const store = indexedDbStore(name, { events: settings.maxEvents, bytes: settings.maxBytes }, now)
  const tabs = new BroadcastChannel(name)
  return createClient(
    {
      clock,
      random: Math.random,
      newId: createIds(now),
      transport: httpTransport(settings, clock),
      store,
      stores: async () => [store],
      session: localSlot(`${name}.session`),
      pace: localSlot(`${name}.pace`),
      // Without locks tabs may send the same event at the same time, which its id makes harmless.
      exclusive: work => (navigator.locks ? navigator.locks.request(name, work) : work()),
      isVisible: () => document.visibilityState === 'visible',
      watch: on => watchPage(on, tabs),
      tellConsent: given => tabs.postMessage(given)
    },
    settings
  )
}

function watchPage(on: Watchers, tabs: BroadcastChannel): () => void {
  const ended = new AbortController()
  const passive = { passive: true, capture: true, signal: ended.signal }
  const activity = () => on.activity()
  for (const type of ['pointerdown', 'keydown', 'scroll']) addEventListener(type, activity, passive)
  document.addEventListener('visibilitychange', () => (document.hidden ? on.hidden() : on.activity()), passive)
  addEventListener('pagehide', () => on.hidden(), passive)
  addEventListener('online', () => on.online(), passive)
  tabs.onmessage = ({ data }) => on.consent(data)
  return () => {
    ended.abort()
    tabs.close()
  }
}
