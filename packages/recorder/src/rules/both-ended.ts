import type { Rule } from '../diagnosis/rule.ts'
import type { Timeline } from '../diagnosis/timeline.ts'
import type { Occurrence, Source } from '../record.ts'
import { lately, readyAfter } from './ended.ts'
import { time } from './words.ts'

/** Both write once a second: what ends at once falls silent within this, in milliseconds. */
const atOnceMs = 3_000
/** The system writes to the disk at its leisure: a power cut takes the last half a minute, of each file another part. */
const unsyncedMs = 40_000
/** Who is told to end says so this long before at most, and an end is told for so long after it is over. In milliseconds. */
const lastWordsMs = 60_000
const toldMs = 60_000

export const bothEnded: Rule = {
  name: 'both-ended',
  about: 'Platform and watcher fell silent at once, and nobody had told them to stop.',
  explains: [],
  lever: {
    name: 'start',
    action:
      '`npx plimsoll up` starts it, where nothing does that by itself: run it under something that does, such as systemd or the container’s own restart. `last -x` tells of a reboot, `journalctl -k -b -1` of a kill for want of memory, and the container’s log of its end.',
    page: 'docs/patterns/health.md'
  },
  find(timeline) {
    const ended = silentNow(timeline) ?? silentBefore(timeline)
    if (!ended) return []
    const { platform, watcher, by, until } = ended
    const rebooted = until === undefined && timeline.silence?.rebooted === true
    const at = Math.max(platform, watcher)
    return [
      {
        subject: 'platform and watcher',
        title: by
          ? 'The watcher ended without a word, and the platform stopped for want of it'
          : rebooted
            ? 'The machine was restarted or lost its power, and platform and watcher ended with it'
            : 'The machine, its container or both processes ended at once',
        evidence: [
          {
            at,
            text: `platform and watcher fell silent within ${time(Math.max(1_000, Math.abs(platform - watcher)))} of each other, and neither had been told to stop`,
            series: 'exit'
          },
          ...(by ? [{ at: by.at, text: `the platform said: ${String(by.detail?.why)}`, series: 'close' }] : []),
          ...(rebooted ? [{ at, text: 'the machine has been started again since then', series: 'start' }] : [])
        ],
        cost:
          until === undefined
            ? 'Nothing is taken and nothing is answered. What was acknowledged is on the disk; clients send the rest again.'
            : `It was up again after ${time(until - at)}; nothing was answered in that time. What was acknowledged is stored.`,
        since: at,
        ...(until === undefined ? {} : { until })
      }
    ]
  }
}

interface Silent {
  /** When each was heard last, in milliseconds since 1970. */
  platform: number
  watcher: number
  /** The platform's word that it stops for want of its watcher. */
  by?: Occurrence
  until?: number
}

/** Nothing has been recorded since the moment that is judged. */
function silentNow(timeline: Timeline): Silent | undefined {
  return timeline.silence && silentAt(timeline, timeline.at, timeline.silence.rebooted ? unsyncedMs : atOnceMs)
}

/** A watcher that begins where another one had not ended. */
function silentBefore(timeline: Timeline): Silent | undefined {
  const begun = lately(timeline, 'start').findLast(({ source }) => source === 'watcher')
  const silent = begun && silentAt(timeline, begun.at - 1, atOnceMs)
  if (!begun || !silent) return undefined
  const until = readyAfter(timeline, begun.at)
  if (until === undefined) return silent
  return timeline.at - until > toldMs ? undefined : { ...silent, until }
}

/** When both fell silent by a moment, where that was at once and unasked. */
function silentAt(timeline: Timeline, moment: number, apartMs: number): Silent | undefined {
  const watcher = lastOf(timeline, 'watcher', moment)
  const last = lastOf(timeline, 'platform', moment)
  if (watcher === undefined || last === undefined) return undefined
  const words = ['exit', 'signal', 'close', 'refused-to-start']
    .flatMap(name => lately(timeline, name))
    .filter(({ at }) => at <= moment && at > Math.max(watcher, last) - lastWordsMs)
  const by = words.find(({ name, detail }) => name === 'close' && detail?.why === 'the watcher is gone')
  const platform = by?.at ?? last
  if (Math.abs(platform - watcher) > apartMs) return undefined
  const isOver = ({ at }: Occurrence) =>
    lately(timeline, 'start').some(one => one.source === 'platform' && one.at > at && one.at <= moment)
  if (words.some(one => one !== by && !isOver(one))) return undefined
  return { platform, watcher, ...(by && { by }) }
}

function lastOf({ usual, recent }: Timeline, source: Source, moment: number): number | undefined {
  return [usual, recent]
    .flatMap(span => [...span.samples(source), ...span.occurrences().filter(one => one.source === source)])
    .filter(({ at }) => at <= moment)
    .reduce<number | undefined>((last, { at }) => Math.max(last ?? at, at), undefined)
}
