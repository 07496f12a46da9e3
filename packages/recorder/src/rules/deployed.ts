import type { Evidence } from '../diagnosis/diagnosis.ts'
import type { Point, Timeline } from '../diagnosis/timeline.ts'
import type { Occurrence } from '../record.ts'
import { median, occurrences, points, startsOf, subjects, sum, together, within } from './reading.ts'
import { count, share, was } from './words.ts'

/** What went wrong right after something was deployed and had not gone wrong before. */
export interface Trouble {
  since: number
  parts: Part[]
}

/** What of it is wrong with one of them. */
export interface Part {
  kind: 'platform' | 'dependency' | 'store' | 'broker'
  /** Of the dependency, the store or the broker; `platform` for itself. */
  name: string
  evidence: Evidence
  /** When it was over; left out while it goes on. */
  until?: number | undefined
}

/** Of what something is wrong, each once, for people. */
export const namesOf = (parts: readonly Part[]): string => [...new Set(parts.map(({ name }) => name))].join(', ')

/** When the last of it was over; nothing while any of it goes on. */
export function endOf(parts: readonly Part[]): { until?: number } {
  const until = Math.max(...parts.map(part => part.until ?? Number.POSITIVE_INFINITY))
  return Number.isFinite(until) ? { until } : {}
}

/** Trouble that a deployment made shows itself in its first seconds; what comes later comes from elsewhere. In milliseconds. */
const soonMs = 20_000

/** What is told of one start is told at once; in milliseconds. */
export const oneStartMs = 2_000

/** Trouble that is over is told for so long, in milliseconds; and it is over when all has gone well for so long. */
const toldMs = 60_000
const wellMs = 8_000
/** What fails now and then is not the trouble. */
const badPart = 0.05

/** When what was asked failed for the last time, if it has been asked since and was well; undefined while it goes on. */
function overSince(bad: readonly Point[], all: readonly Point[]): number | undefined {
  const part = together(bad, all, (no, asked) => (asked > 0 ? no / asked : -1)).filter(({ value }) => value >= 0)
  const last = part.findLast(({ value }) => value >= badPart)
  const newest = part.at(-1)
  return last && newest && newest.at - last.at >= wellMs ? last.at : undefined
}

/** When something was changed again: what begins to fail after that is no longer this change's. */
function nextChange(timeline: Timeline, at: number): number {
  const others = ['version', 'configuration'].flatMap(name => occurrences(timeline, name))
  return Math.min(...others.map(other => other.at).filter(later => later > at + oneStartMs))
}

/** @param change when something else was started than before, by its own occurrence */
export function troubleAfter(timeline: Timeline, change: Occurrence): Trouble | undefined {
  const from = change.at - 1_000
  const parts: Part[] = []
  const add = (kind: Part['kind'], name: string, evidence: Evidence, until?: number) => {
    if (until === undefined || timeline.at - until <= toldMs) parts.push({ kind, name, evidence, until })
  }
  const readyAgain = (after: number) =>
    startsOf(timeline).findLast(({ ready }) => ready > after && ready <= timeline.at)
  const next = nextChange(timeline, change.at)
  const soon = (at: number) => at >= from && at <= change.at + soonMs && at < next

  const refused = occurrences(timeline, 'refused-to-start').findLast(({ at }) => at >= from)
  if (refused && soon(refused.at))
    add(
      'platform',
      'platform',
      {
        at: refused.at,
        text: `it refuses to start: ${String(refused.detail?.why).slice(0, 160)}`,
        series: 'refused-to-start'
      },
      readyAgain(refused.at)?.ready
    )
  const ended = occurrences(timeline, 'exit').filter(
    ({ at, detail }) => at > change.at && (detail?.code !== 0 || detail?.signal)
  )
  // One that ends again and again is ready in between.
  const hasStayed = ended.length > 0 && timeline.at - (readyAgain(ended.at(-1)!.at)?.ready ?? timeline.at) > toldMs
  if (ended[0] && soon(ended[0].at) && ended.length > 1 && !hasStayed)
    add('platform', 'platform', {
      at: ended[0].at,
      text: `it has ended ${count(ended.length)} times since`,
      series: 'exit',
      before: 0,
      now: ended.length
    })

  for (const name of subjects(timeline, 'dependency')) {
    const calls = points(timeline, `dependency.${name}.calls`)
    const failed = points(timeline, `dependency.${name}.failed`)
    const late = points(timeline, `dependency.${name}.timed-out`)
    const firstBad = within(
      [...failed, ...late].sort((a, b) => a.at - b.at),
      from
    ).find(({ value }) => value > 0)
    if (!firstBad || !soon(firstBad.at)) continue
    const bad = Math.max(sum(within(failed, from)), sum(within(late, from)))
    const asked = Math.max(1, sum(within(calls, from)))
    const badBefore = sum(within(failed, 0, from)) / Math.max(1, sum(within(calls, 0, from)))
    const open = (points(timeline, `dependency.${name}.breaker`).at(-1)?.value ?? 0) > 0
    const stillBad = open || bad / asked >= 0.3
    if (bad / asked < 0.2 || badBefore > 0.05 || !stillBad) continue
    const evidence = {
      at: firstBad.at,
      text: `since then ${share(bad / asked)} of the calls to ${name} fail; before it was ${share(badBefore)}`,
      series: `dependency.${name}.failed`,
      before: badBefore,
      now: bad / asked
    }
    // Those that timed out are among the failed.
    add('dependency', name, evidence, open ? undefined : overSince(failed, calls))
  }
  for (const kind of ['store', 'broker'] as const)
    for (const name of subjects(timeline, kind)) {
      const up = points(timeline, `${kind}.${name}.up`)
      const down = within(up, from).filter(({ value }) => value === 0)
      if (down.length < 3 || !soon(down[0]!.at) || up.at(-1)?.value !== 0) continue
      const before = median(within(up, 0, from))
      // One that was away before is not away because of this.
      if (before === 0) continue
      add(kind, name, {
        at: down[0]!.at,
        text: `since then the ${kind} ${name} does not answer${was(before === undefined ? undefined : 'up')}`,
        series: `${kind}.${name}.up`,
        now: 0,
        ...(before === undefined ? {} : { before })
      })
    }
  const requests = points(timeline, 'http.requests')
  const failures = points(timeline, 'http.failed')
  const rate = (begin: number, end?: number) =>
    sum(within(failures, begin, end)) / Math.max(1, sum(within(requests, begin, end)))
  const first = within(failures, from).find(({ value }) => value > 0)
  if (first && soon(first.at) && rate(from) >= badPart && rate(0, from) < 0.01 && sum(within(failures, from)) >= 10)
    add(
      'platform',
      'platform',
      {
        at: first.at,
        text: `since then ${share(rate(from))} of the requests fail with an error of ours; before it was ${share(rate(0, from))}`,
        series: 'http.failed',
        before: rate(0, from),
        now: rate(from)
      },
      overSince(failures, requests)
    )
  if (parts.length === 0) return undefined
  const since = Math.min(...parts.map(({ evidence }) => evidence.at))
  return { since: Math.max(change.at, since), parts }
}
