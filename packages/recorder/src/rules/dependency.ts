import type { Evidence } from '../diagnosis/diagnosis.ts'
import type { Point, Timeline } from '../diagnosis/timeline.ts'
import { median, occurrences, points, quantile, stretch, subjects, sum, within } from './reading.ts'
import { share, time, was } from './words.ts'

/** A dependency that does not answer as it should, and what was seen of its calls: four rules tell the kinds apart. */
export interface Ill {
  name: string
  since: number
  until?: number
  /** `late`: its calls end in timeouts, and it is not known yet whether it would answer. */
  kind: 'slow' | 'dead' | 'erring' | 'hanging' | 'late'
  evidence: Evidence[]
  /** Whether the breaker is not closed. */
  open: boolean
}

/** What calls of the last seconds say: older ones may have been of another illness. */
const latelyMs = 12_000
/** Calls slower than this are slow, however slow they were before. */
const slowMs = 100
/** Fewer calls than this that fail are chance: a collection of garbage, a process that is just starting. */
const fewCalls = 3
/** Codes of the system for "there is nobody there". */
const nobody = /ECONNREFUSED|ECONNRESET|ENOTFOUND|EHOSTUNREACH|EPIPE|UND_ERR_SOCKET|EAI_AGAIN|other side closed/

export function illDependencies(timeline: Timeline): Ill[] {
  return subjects(timeline, 'dependency').flatMap(name => judge(timeline, name) ?? [])
}

function judge(timeline: Timeline, name: string): Ill | undefined {
  const row = (what: string) => points(timeline, `dependency.${name}.${what}`)
  const [calls, failed, timedOut, refused] = [row('calls'), row('failed'), row('timed-out'), row('refused')]
  const [p50, p99, probe, breaker] = [row('p50'), row('p99'), row('probe'), row('breaker')]
  const seconds = new Map<number, Point>()
  const usualHigh = usualOf(timeline, p99)
  const mark = (at: number, ill: boolean) => {
    const key = Math.round(at / 1_000)
    const known = seconds.get(key)
    if (!known || ill) seconds.set(key, { at, value: ill ? 1 : (known?.value ?? 0) })
  }
  const callsAt = new Map(calls.map(({ at, value }) => [at, value]))
  for (const { at, value } of breaker) mark(at, value > 0)
  for (const { at, value } of failed) mark(at, value > 0 && value / Math.max(1, callsAt.get(at) ?? 0) >= 0.05)
  for (const { at, value } of timedOut) mark(at, value > 0 && value / Math.max(1, callsAt.get(at) ?? 0) >= 0.05)
  for (const { at, value } of p99) mark(at, value >= Math.max(slowMs, 4 * usualHigh))
  const asked = new Set([...calls, ...breaker].filter(({ value }) => value > 0).map(({ at }) => Math.round(at / 1_000)))
  const marked = [...seconds.entries()]
    .filter(([second]) => asked.has(second))
    .map(([, point]) => point)
    .sort((a, b) => a.at - b.at)
  // A breaker that probes and closes for a moment is one illness.
  const found = stretch(timeline, marked, value => value > 0, { forMs: 2_000, gapMs: 6_500 })
  if (!found) return undefined
  // Here and there a second with a late answer is no illness.
  const ill = sum(found.points)
  if (ill < 2 || ill < 0.5 * found.points.length) return undefined
  const end = found.points.at(-1)!.at
  const of = (all: readonly Point[]) => within(all, Math.max(found.since, end - latelyMs), end)
  const latest = sum(of(calls)) > 0 ? of : (all: readonly Point[]) => within(all, found.since, end)
  const total = sum(latest(calls))
  const late = sum(latest(timedOut))
  // Those that timed out are among the failed.
  const bad = Math.max(0, sum(latest(failed)) - late)
  const answered = latest(p99)
  const before = median(within(p99, 0, found.since - 1))
  const newest = latest(probe).at(-1)
  const refusedProbe = latest(row('probe.refused')).at(-1)
  // The newest word of who asks with patience: a service that was slow can be gone by now.
  const isRefused = refusedProbe !== undefined && refusedProbe.at > (newest?.at ?? 0)
  const probed = isRefused ? undefined : newest?.value
  const waiting = row('probe.waiting')
  const asks = latest(waiting).length > 0 || probed !== undefined
  const inVain = quantile(latest(waiting), 1) ?? 0
  const codes = occurrences(timeline, 'error')
    // What failed was told at once, the sample of that second at its end.
    .filter(({ at, subject, detail }) => at >= found.since - 2_000 && [subject, detail?.where].includes(name))
    .map(({ detail }) => `${detail?.code ?? ''} ${detail?.message ?? ''}`)
  const gone = codes.some(code => nobody.test(code))
  const open = (breaker.at(-1)?.value ?? 0) > 0
  const opened = breaker.some(({ at, value }) => value > 0 && at >= found.since)
  if (!opened && late + bad < fewCalls && ill < 4) return undefined
  const kind = isRefused ? 'dead' : kindOf({ total, late, bad, gone, probed, asks, inVain })
  // It answers as it does on other days: what was wrong was over before it was looked at, or it was we who were late. A breaker
  // that is open then is about to close.
  const answersWell = (quantile(answered, 0.95) ?? (open ? slowMs : 0)) < slowMs && (probed ?? 0) < slowMs
  if (kind === 'slow' && late + bad === 0 && answersWell) return undefined
  // One late call of twenty opens a breaker, and where little is asked it stays so: who asks with patience knows that all is well.
  const isChance = late + bad > 0 && late + bad < fewCalls && (median(latest(p50)) ?? 0) < slowMs
  if (kind === 'slow' && isChance && probed !== undefined && probed < slowMs) return undefined
  const usualText = before === undefined ? undefined : time(before)
  const evidence: Evidence[] = []
  const add = (text: string, series: string, now?: number, past?: number) =>
    evidence.push({
      at: found.since,
      text,
      series: `dependency.${name}.${series}`,
      ...(now === undefined ? {} : { now }),
      ...(past === undefined ? {} : { before: past })
    })
  const slowest = quantile(answered, 0.95)
  if (probed !== undefined && late > 0)
    add(`asked with patience, ${name} answers after ${time(probed)}${was(usualText)}`, 'probe', probed, before)
  else if (kind === 'slow' && slowest !== undefined)
    add(`answers of ${name} take ${time(slowest)} at p99${was(usualText)}`, 'p99', slowest, before)
  if (kind === 'hanging' && inVain >= neverMs)
    add(`asked with patience, ${name} has not answered for ${time(inVain)}`, 'probe.waiting', inVain, 0)
  if (isRefused) add('asked just now, its address refuses the connection', 'probe.refused', 1, 0)
  if (late > 0)
    add(
      `${share(Math.min(1, late / total))} of ${total} calls got no answer in the time they have`,
      'timed-out',
      late,
      0
    )
  if (bad > 0) {
    const usualBad = median(within(failed, 0, found.since - 1)) ?? 0
    const code = codes.at(-1)?.trim()
    add(
      `${share(Math.min(1, bad / total))} of ${total} calls failed${code ? `: ${code.slice(0, 80)}` : ''}`,
      'failed',
      bad,
      usualBad
    )
  }
  if (open) add(`its breaker is open: ${sum(latest(refused))} calls were not sent`, 'breaker', 2, 0)
  if (evidence.length === 0)
    add(`answers take ${time(slowest ?? 0)}, half of them ${time(median(p50) ?? 0)}`, 'p99', slowest, before)
  return {
    name,
    since: found.since,
    ...(found.until === undefined ? {} : { until: found.until }),
    kind,
    evidence,
    open
  }
}

/** What it took before it last began to take long; where there is no such time, what it takes all the while. */
function usualOf(timeline: Timeline, p99: readonly Point[]): number {
  const begun = stretch(timeline, p99, value => value >= slowMs, { forMs: 2_000, gapMs: 6_500 })
  const before = begun && begun.before.length >= 8 ? begun.before : p99.slice(0, Math.max(0, p99.length - 5))
  return quantile(before, 0.5) ?? 0
}

interface Seen {
  total: number
  late: number
  bad: number
  gone: boolean
  /** The time of an answer to who has patience, and whether somebody who has it asks, and for how long in vain. */
  probed: number | undefined
  asks: boolean
  inVain: number
}

/** Nobody waits longer than this for an answer that a request needs, in milliseconds. */
const neverMs = 2_500

function kindOf({ total, late, bad, gone, probed, asks, inVain }: Seen): Ill['kind'] {
  if (bad > late) return gone || bad >= 0.9 * total ? 'dead' : 'erring'
  if (probed !== undefined || late === 0) return 'slow'
  // Who asks with patience knows it before half of the calls have ended.
  if (asks && inVain >= neverMs) return 'hanging'
  if (late < 0.5 * total) return 'slow'
  return asks ? 'late' : 'hanging'
}

/** What an ill dependency costs, which is its own answer. */
export const costOf = ({ name, open }: Ill): string =>
  open
    ? `What ${name} would have said is "unknown" and is filled in later by itself. No event is refused for it and nothing is lost.`
    : `Requests wait for ${name} up to their limit; what it does not say in time is "unknown" and filled in later. Nothing is lost.`
