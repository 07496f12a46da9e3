import type { Standing } from '@plimsoll/recorder'
import { Alerts, type AlertsOptions } from '../alerts/alerts.ts'
import type { Looker } from '../why/looker.ts'
import { StandingNotes } from './standing-notes.ts'

export type IncidentOptions = AlertsOptions

/** How often it is looked whether something is wrong, in milliseconds. */
const everyMs = 10_000
/** How long the end may be held up by telling of it, in milliseconds. */
const lastWordsMs = 10_000

export interface FollowedIncidents {
  readonly incidents: Alerts['incidents']
  /** The platform could not start, and nobody will look again: what is wrong now is told now, within some seconds. */
  lastWords(): Promise<void>
  close(): void
}

/** Looks at the black box every few seconds, follows the incident, and tells of it. */
export function followIncidents(
  looker: Looker,
  { goesOn, note, ...options }: IncidentOptions & { goesOn(): boolean; note?(standing: Standing, now: number): void }
): FollowedIncidents {
  const alerts = new Alerts(options)
  const notes = note && new StandingNotes(note)
  const look = async () => {
    if (goesOn()) {
      const looked = await looker.look()
      // One that is old says nothing about now.
      if (looked && Math.abs(Date.now() - looked.at) < 2 * everyMs) {
        alerts.observe(looked.diagnosis)
        notes?.observe(looked.diagnosis, looked.at)
      }
    }
    await alerts.deliver()
  }
  const timer = setInterval(() => void look().catch(error => options.onError?.(error)), everyMs)
  return {
    get incidents() {
      return alerts.incidents
    },
    async lastWords() {
      clearInterval(timer)
      if (options.channels.length === 0) return
      const looked = await looker.look()
      if (looked) alerts.observe(looked.diagnosis, { openAfterMs: 0, closeAfterMs: Number.POSITIVE_INFINITY })
      const late = Promise.withResolvers<void>()
      const wait = setTimeout(late.resolve, lastWordsMs)
      await Promise.race([alerts.deliver(), late.promise])
      clearTimeout(wait)
    },
    close: () => clearInterval(timer)
  }
}
