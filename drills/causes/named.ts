import { type Aim, atMost } from '@plimsoll/bench'
import type { Incident } from '@plimsoll/recorder'
import { askWhy, type Cause, incidentOf, namesOf, placeOf } from './asked-why.ts'
import { pause } from './play.ts'

/** What `why` said of a fault while it was on. */
export interface Named {
  cause: Cause
  /** The best place that the cause had: 1 is the first, 0 is none. */
  place: number
  /** Until it was the first; undefined = never. */
  seconds: number | undefined
  said: string[]
  incident: Incident | undefined
}

/** Asks again and again for so long, and remembers the best answer. */
export async function watchCause(data: string, cause: Cause, forMs: number): Promise<Named> {
  const beganAt = performance.now()
  const named: Named = { cause, place: 0, seconds: undefined, said: [], incident: undefined }
  while (performance.now() - beganAt < forMs) {
    await pause(500)
    const diagnosis = askWhy(data)
    const place = placeOf(cause, diagnosis)
    if (place === 0 || (named.place > 0 && place >= named.place)) {
      if (named.place === 0) Object.assign(named, { said: namesOf(diagnosis), incident: incidentOf(data, diagnosis) })
      continue
    }
    Object.assign(named, { place, said: namesOf(diagnosis), incident: incidentOf(data, diagnosis) })
    if (place === 1) named.seconds = Math.round((performance.now() - beganAt) / 100) / 10
  }
  return named
}

export const namedAim = (phase: string, { cause, place }: Named): Aim =>
  atMost(`why, while ${phase}: place of ${cause.rule}`, place === 0 ? 99 : place, 1, '')

export const namedFigures = ({ place, seconds, said }: Named) => ({
  place,
  'seconds until named': seconds ?? null,
  said
})
