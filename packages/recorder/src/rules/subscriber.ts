import type { Evidence } from '../diagnosis/diagnosis.ts'
import type { Point, Timeline } from '../diagnosis/timeline.ts'
import { heard, mean, median, occurrences, points, quantile, stretch, subjects, within } from './reading.ts'
import { count, time } from './words.ts'

/** A subscriber that falls behind, and why as far as it can be seen: three rules tell the kinds apart. */
export interface Behind {
  name: string
  since: number
  until?: number
  kind: 'slow' | 'dead' | 'poisoned'
  evidence: Evidence[]
}

/** Behind by less than this, in milliseconds, and nobody notices. */
const lateMs = 4_000
/** The same of one that was never seen to handle anything. */
const firstLateMs = 60_000

export function behindSubscribers(timeline: Timeline): Behind[] {
  const now = heard(timeline, 'platform')
  if (now === undefined) return []
  return subjects(timeline, 'subscriber').flatMap(name => judge(timeline, name) ?? [])
}

function judge(timeline: Timeline, name: string): Behind | undefined {
  const row = (what: string) => points(timeline, `subscriber.${name}.${what}`)
  const [lag, age, rate, failures, parked, alive] = [
    row('lag'),
    row('lag.time'),
    row('rate'),
    row('failures'),
    row('parked'),
    row('alive')
  ]
  const fact = (text: string, series: string, at: number, now: number, before?: number): Evidence => ({
    at,
    text,
    series: `subscriber.${name}.${series}`,
    now,
    ...(before === undefined ? {} : { before })
  })
  const ended = ({ until }: { until?: number }) => (until === undefined ? {} : { until })

  const dead = stretch(timeline, alive, value => value === 0, { forMs: 2_000 })
  if (dead) {
    const waiting = lag.at(-1)?.value
    const evidence = [fact('it is not alive; before it was', 'alive', dead.since, 0, 1)]
    if (waiting !== undefined)
      evidence.push(
        fact(`${count(waiting)} messages wait for it`, 'lag', dead.since, waiting, median(within(lag, 0, dead.since)))
      )
    return { name, since: dead.since, ...ended(dead), kind: 'dead', evidence }
  }
  const failing = stretch(timeline, failures, value => value >= 3, { forMs: 2_000, gapMs: 8_000 })
  const usualParked = median(parked.slice(0, Math.ceil(parked.length / 2))) ?? 0
  const parking = stretch(timeline, parked, value => value > usualParked, { forMs: 2_000 })
  const poisoned = failing ?? parking
  if (poisoned) {
    const tries = failures.at(-1)?.value ?? 0
    const set = parked.at(-1)?.value ?? 0
    const evidence: Evidence[] = []
    const says = occurrences(timeline, 'subscriber').findLast(
      ({ at, subject, detail }) => subject === name && detail?.state === 'failing' && at >= poisoned.since - 30_000
    )
    if (tries > 0)
      evidence.push(
        fact(`it has failed ${count(tries)} times in a row; before it did not`, 'failures', poisoned.since, tries, 0)
      )
    if (says)
      evidence.push({ at: says.at, text: `it says: ${String(says.detail?.why).slice(0, 160)}`, series: 'subscriber' })
    if (set > 0) evidence.push(fact(`${count(set)} keys are set aside`, 'parked', poisoned.since, set, usualParked))
    return { name, since: poisoned.since, ...ended(poisoned), kind: 'poisoned', evidence }
  }
  const idle = standsStill(timeline, rate, failures)
  if (idle) {
    const waiting = lag.at(-1)?.value
    const evidence = [
      fact(`it has handled nothing for ${time(idle.forMs)} while events came`, 'rate', idle.since, 0, idle.usual)
    ]
    if (waiting !== undefined)
      evidence.push(
        fact(`${count(waiting)} messages wait for it`, 'lag', idle.since, waiting, median(within(lag, 0, idle.since)))
      )
    return { name, since: idle.since, kind: 'dead', evidence }
  }
  const late = stretch(timeline, age, value => value >= lateMs, { forMs: 4_000 })
  if (!late) return undefined
  const usual = late.before.length >= 8 ? quantile(late.before, 0.95)! : lateMs / 4
  const last = late.points.at(-1)!.value
  if (last < 3 * usual) return undefined
  // One that catches up is well: an import or a rebuild leaves such a hill behind it.
  const third = Math.max(1, Math.floor(late.points.length / 3))
  const begin = median(late.points.slice(0, third))!
  if (median(late.points.slice(-third))! < 1.1 * begin) return undefined
  const handled = mean(within(rate, late.since))
  const before = mean(within(rate, 0, late.since - lateMs))
  const evidence = [
    fact(
      `its oldest message has waited for ${time(last)}; before it was ${time(usual)} at most`,
      'lag.time',
      late.since,
      last,
      usual
    ),
    fact(`it handles ${count(handled)} a second; before it was ${count(before)}`, 'rate', late.since, handled, before)
  ]
  // What is offered rose and it does as much as before, or more: it is not slow, there is much to do.
  if (handled >= 0.9 * before && before > 0) return undefined
  // Nothing is known of what it does on other days: a start has a heap of work before it.
  if (before === 0 && last < firstLateMs) return undefined
  return { name, since: late.since, ...ended(late), kind: 'slow', evidence }
}

/** Longer than a slow step takes, in milliseconds. */
const stillMs = 10_000

/** Handles nothing though there is something to handle, and does not say why. */
function standsStill(timeline: Timeline, rate: readonly Point[], failures: readonly Point[]) {
  const last = rate.findLastIndex(({ value }) => value > 0)
  const idle = rate.slice(last + 1)
  const begin = idle[0]?.at
  const end = idle.at(-1)?.at
  if (begin === undefined || end === undefined || end - begin + 1_000 < stillMs || last < 0) return undefined
  const came = within(points(timeline, 'ingest.accepted'), begin, end).filter(({ value }) => value >= 20)
  if (came.length < 0.7 * idle.length || (failures.at(-1)?.value ?? 0) > 0) return undefined
  return { since: begin, forMs: end - begin + 1_000, usual: mean(within(rate, 0, begin - 1)) }
}
