import type { Rule } from '../diagnosis/rule.ts'
import type { Point, Timeline } from '../diagnosis/timeline.ts'
import { begunBefore, heard, highest, median, points, startsOf, stretch, together, within } from './reading.ts'
import { share, time, was } from './words.ts'

/** A turn of the loop that takes so long is one piece of work that should not be there, in milliseconds. */
const turnMs = 1_000
const silentMs = 2_500
const ready = 1
/** Who works uses so much of a core; who is paused, or waits for a processor, does not. */
const worksFrom = 0.5

/** The longest turn of each second, and 0 where no piece of work made it long: the whole process stood, was collecting garbage, or started. */
function turnsOf(timeline: Timeline): Point[] {
  const at = (name: string) => new Map(points(timeline, name).map(point => [point.at, point.value]))
  const used = at('cpu.process')
  const collecting = at('gc.time')
  const starts = startsOf(timeline)
  const turns = points(timeline, 'loop.delay.max')
  return turns.map((turn, index) => {
    if (turn.value < turnMs) return turn
    const next = turns[index + 1]
    // A collection is told of only when the loop turns again, so with the next sample.
    const garbage = (collecting.get(turn.at) ?? 0) + (collecting.get(next?.at ?? 0) ?? 0)
    const isKnown = next !== undefined || collecting.size === 0
    const isStarting = starts.some(start => turn.at >= start.at && turn.at <= start.ready + 1_500)
    const isWork = (used.get(turn.at) ?? 0) >= worksFrom && garbage < turn.value / 2
    return isWork && isKnown && !isStarting ? turn : { at: turn.at, value: 0 }
  })
}

export const eventLoopBlocked: Rule = {
  name: 'event-loop-blocked',
  about: 'One piece of work keeps the main thread busy, so that nothing else is done.',
  explains: [
    'overload',
    'store-slow',
    'slow-dependency',
    'hanging-dependency',
    'retry-storm',
    'pool-exhausted',
    'flood',
    // Those inside the platform run on this loop.
    'subscriber-slow',
    'subscriber-dead'
  ],
  lever: {
    name: 'bulkhead: work off the main thread',
    action:
      'Find what runs: `node --cpu-prof` on a copy that is given the same work shows the function. Cut the work into pieces or move it to a worker; `kill -9` of the platform’s process (the PID is in platform.json of the data folder) starts it again in seconds and loses nothing.',
    page: 'docs/patterns/health.md'
  },
  find(timeline) {
    const stopped = points(timeline, 'platform.stopped')
    const phase = points(timeline, 'platform.phase')
    const silence = points(timeline, 'platform.silent')
    const alive = together(silence, phase, (silent, at) => (at === ready ? silent : 0))
    const notStopped = stopped.length === 0 ? alive : together(alive, stopped, (silent, is) => (is > 0 ? 0 : silent))
    const quiet = stretch(timeline, notStopped, silent => silent >= silentMs, { forMs: 1_000, source: 'watcher' })
    const turns = turnsOf(timeline)
    const late = stretch(timeline, turns, delay => delay >= turnMs, { forMs: 1_000 })
    // A loop that was stopped from outside has late turns as well, afterwards.
    const wasStopped = late && stopped.some(({ at, value }) => value > 0 && at >= late.since - 60_000)
    const seen = quiet ?? (wasStopped ? undefined : late)
    if (!seen) return []
    const now = heard(timeline, 'watcher') ?? timeline.at
    const longest = quiet ? highest(quiet.points) : highest(late!.points)
    const since = quiet ? quiet.since - quiet.points[0]!.value : late!.since - late!.points[0]!.value
    const usual = median(within(points(timeline, 'loop.delay.max'), 0, since))
    const busy = median(within(points(timeline, 'platform.cpu'), since))
    // Alive, silent and using no processor: it waits for one, or sleeps; it does not work.
    if (quiet && busy !== undefined && busy < 0.3) return []
    // It may block, go on for some seconds, and block again.
    const [row, leastMs] = quiet ? [notStopped, silentMs] : [turns, turnMs]
    const bad = row.filter(({ value }) => value >= leastMs)
    const begun = begunBefore(bad, seen.since)
    return [
      {
        subject: 'main loop',
        title: 'One piece of work keeps the main thread of the platform busy',
        evidence: [
          {
            at: since,
            text: quiet
              ? `it has given no sign of life for ${time(longest)}, and its process runs`
              : `one turn of its loop took ${time(longest)}${was(usual === undefined ? undefined : time(usual))}`,
            series: quiet ? 'platform.silent' : 'loop.delay.max',
            now: longest,
            ...(usual === undefined ? {} : { before: usual })
          },
          ...(busy === undefined
            ? []
            : [{ at: since, text: `it uses ${share(busy)} of a core meanwhile`, series: 'platform.cpu', now: busy }])
        ],
        cost: 'No request is answered while it lasts. Health is answered by a thread of its own, and what was acknowledged is stored.',
        since: begun < seen.since ? begun - bad.find(({ at }) => at === begun)!.value : since,
        ...(seen.until !== undefined || (quiet === undefined && now - late!.points.at(-1)!.at > 3_000)
          ? { until: seen.until ?? late!.points.at(-1)!.at }
          : {})
      }
    ]
  }
}
