import type { Occurrence } from '../record.ts'
import type { Diagnosis, Finding, NearLimit } from './diagnosis.ts'
import { clockTime, inWords, percent } from './in-words.ts'
import type { Timeline } from './timeline.ts'

/** A platform that has recorded nothing for so long is stuck or gone, in milliseconds. It records each second. */
const speechlessMs = 5_000

/** What the watcher says of the platform, see `docs/vocabulary.md`. */
const phases = { starting: 0, ready: 1, down: 2, stopping: 3, failed: 4 } as const

interface Judged {
  causes: readonly Finding[]
  lastHeard: Diagnosis['lastHeard']
  /** For how long nothing was recorded after the moment, where nothing was. */
  silentMs: number | undefined
}

/** Whether it serves, and as it should. */
export function stateOf({ at, recent }: Timeline, { causes, lastHeard, silentMs }: Judged): Diagnosis['state'] {
  const { platform, watcher } = lastHeard
  if (recent.samples('platform').length + recent.samples('watcher').length + recent.occurrences().length === 0)
    return 'unknown'
  if (silentMs !== undefined) return 'down'
  const ended = recent.occurrences('exit').at(-1)
  if (ended && ended.at >= (platform ?? 0)) return 'down'
  const phase = recent.series('platform.phase', 'watcher').at(-1)
  const speaks = platform !== undefined && at - platform <= speechlessMs
  // The watcher's word counts for as long as it is fresh; a platform that records serves, whatever was said before.
  if (phase && watcher !== undefined && at - watcher <= speechlessMs) {
    if (phase.value !== phases.ready && !(speaks && phase.value === phases.stopping)) return 'down'
    const silence = recent.series('platform.silent', 'watcher').at(-1)
    if (silence && silence.value > speechlessMs && !speaks) return 'down'
  } else if (!speaks) return 'down'
  const goOn = (findings: readonly Finding[]): Finding[] =>
    findings.flatMap(finding => [...(finding.until === undefined ? [finding] : []), ...goOn(finding.symptoms)])
  const now = goOn(causes)
  if (now.some(({ rule }) => rule === 'platform-stopped')) return 'down'
  return now.length > 0 ? 'degraded' : 'healthy'
}

/** One sentence for the person on call, and one more for what comes next. */
export function summaryOf(
  { at, recent }: Timeline,
  { state, causes, limits, lastHeard, silentMs }: Judged & Pick<Diagnosis, 'state' | 'limits'>
): string {
  const [first, ...others] = causes
  const more = others.length === 1 ? ' One more cause is listed.' : ` ${others.length} more causes are listed.`
  const also = others.length === 0 ? '' : more
  switch (state) {
    case 'unknown':
      return 'Nothing was recorded around this moment, so nothing can be said about it.'
    case 'down': {
      const quiet =
        silentMs === undefined
          ? ''
          : ` Nothing has been recorded since, for ${inWords(silentMs)}: neither the platform nor its watcher runs.`
      const stopped = stoppedOf(recent)
      if (stopped) return `Stopped at ${clockTime(stopped.at)}${reasonOf(stopped)}.${quiet}`
      if (first) return `Down. ${sentence(first.title)}${also}${quiet}`
      const starting = startingSince(recent)
      if (starting !== undefined && silentMs === undefined)
        return `Starting, since ${clockTime(starting)}: it is not ready yet.`
      const last = lastHeard.platform
      return last === undefined
        ? `Down. The platform has recorded nothing in this window.${quiet}`
        : `Down. The platform was last heard at ${clockTime(last)}, and no rule knows why.${quiet}`
    }
    case 'degraded':
      return `Not as it should be since ${clockTime(first!.since)}. ${sentence(first!.title)}${also}`
    default:
      return `Healthy.${first ? ` Until ${clockTime(first.until ?? at)} it was not: ${sentence(first.title)}` : ''}${nearest(limits, at)}`
  }
}

/** The platform's own word that it was told to end, if it has not begun again since. */
function stoppedOf({ occurrences }: Timeline['recent']): Occurrence | undefined {
  const told = occurrences().findLast(
    ({ source, name }) => source === 'platform' && (name === 'close' || name === 'start')
  )
  return told?.name === 'close' && told.detail?.code === 0 ? told : undefined
}

function reasonOf({ detail }: Occurrence): string {
  const why = String(detail?.why)
  return why.startsWith('SIG') ? `, as it was told to (${why})` : `: ${why}`
}

/** Since when it has been starting without having been ready in this window; undefined when it is not. */
function startingSince({ series }: Timeline['recent']): number | undefined {
  const seen = series('platform.phase', 'watcher')
  return seen.every(({ value }) => value === phases.starting) ? seen[0]?.at : undefined
}

function nearest([first]: readonly NearLimit[], at: number): string {
  if (!first) return ''
  const when = first.reachedAt === undefined ? '' : `; at this trend it gets there in ${inWords(first.reachedAt - at)}`
  return ` Nearest to its limit: ${first.what}, ${percent(first.share)} used${when}.`
}

const sentence = (text: string) => (/[.!?]$/.test(text) ? text : `${text}.`)
