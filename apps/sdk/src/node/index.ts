import { createHash } from 'node:crypto'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { type Client, createClient } from '../core/client.ts'
import { createIds } from '../core/event-id.ts'
import { httpTransport } from '../core/http-transport.ts'
import type { Clock, Slot } from '../core/ports.ts'
import { type InitOptions, type Settings, settingsOf } from '../core/settings.ts'
import { sharedFolder } from './shared-folder.ts'

export type { Client, FeatureUse } from '../core/client.ts'

export interface NodeOptions extends InitOptions {
  /**
   * Where events wait, also for a later process. Several processes may share it if they send to the same project.
   * Default: a folder of the user's state, by endpoint and key.
   */
  folder?: string
}

const clock: Clock = {
  wallNow: () => Date.now(),
  setTimer: (fn, ms) => setTimeout(fn, ms).unref(),
  clearTimer: handle => clearTimeout(handle as NodeJS.Timeout)
}

/**
 * Begins to record in this process. Each event is in a file of the folder when the method returns. Nothing here keeps the
 * process alive but a request under way; call `shutdown` to send what there is before the end.
 * @throws TypeError or RangeError for settings that cannot be
 */
export function init({ folder, ...options }: NodeOptions): Client {
  const settings = settingsOf(options)
  const now = clock.wallNow
  const { own, stores } = sharedFolder({
    folder: folder ?? stateFolder(settings),
    limits: { events: settings.maxEvents, bytes: settings.maxBytes },
    now
  })
  return createClient(
    {
      clock,
      random: Math.random,
      newId: createIds(now),
      transport: httpTransport(settings, clock),
      store: own,
      stores,
      session: slot(),
      pace: slot(),
      exclusive: work => work(),
      isVisible: () => true,
      watch: () => () => undefined,
      tellConsent: () => undefined
    },
    settings
  )
}

function slot<T>(): Slot<T> {
  let value: T | undefined
  return {
    load: () => value,
    save(next) {
      value = next
    }
  }
}

function stateFolder({ endpoint, key }: Settings): string {
  const base =
    (process.platform === 'win32' ? process.env.LOCALAPPDATA : process.env.XDG_STATE_HOME) ||
    join(homedir(), '.local', 'state')
  return join(base, 'plimsoll', createHash('sha256').update(`${endpoint}\n${key}`).digest('hex').slice(0, 16))
}
