import type { ProjectSummary } from './api/types.ts'

/** `data` is all the project has, in whole UTC days. */
export type Preset = '24h' | '7d' | '30d' | 'data'
/** Milliseconds since the epoch; `to` is exclusive. */
export interface Span {
  from: number
  to: number
}
export type RangeChoice = Preset | Span

export const PRESETS: readonly { preset: Preset; label: string; title: string }[] = [
  { preset: '24h', label: '24 h', title: 'The last 24 hours' },
  { preset: '7d', label: '7 d', title: 'The last 7 days' },
  { preset: '30d', label: '30 d', title: 'The last 30 days' },
  { preset: 'data', label: 'Data’s own', title: 'From the first event to the last' }
]

const HOUR = 3_600_000
const DAY = 24 * HOUR
const WIDTH: Record<Exclude<Preset, 'data'>, number> = { '24h': DAY, '7d': 7 * DAY, '30d': 30 * DAY }

export function isPreset(text: string): text is Preset {
  return PRESETS.some(({ preset }) => preset === text)
}

/**
 * The span to ask for, snapped to hours. Undefined when no range was chosen, or when the data's own range is wanted and
 * not known yet: then the platform's suggestion holds.
 */
export function resolveRange(
  choice: RangeChoice | undefined,
  summary: Pick<ProjectSummary, 'firstEvent' | 'lastEvent'> | undefined,
  now: number
): Span | undefined {
  if (choice === undefined) return undefined
  if (typeof choice === 'object') return choice
  if (choice !== 'data') {
    const to = ceil(now, HOUR)
    return { from: to - WIDTH[choice], to }
  }
  if (!summary?.firstEvent || !summary.lastEvent) return undefined
  const from = floor(Date.parse(summary.firstEvent), DAY)
  // A day that is still going on ends with the hour, so that the chart does not end in an empty evening.
  const to = Math.min(ceil(Date.parse(summary.lastEvent) + 1, DAY), Math.max(ceil(now, HOUR), from + HOUR))
  return { from, to }
}

/** Which preset the shown span is, so that the right button is lit when the platform chose the range. */
export function presetOf(
  shown: Span,
  summary: Pick<ProjectSummary, 'firstEvent' | 'lastEvent'> | undefined,
  now: number
): Preset | undefined {
  for (const preset of ['24h', '7d', '30d'] as const) {
    if (shown.to > now - HOUR && shown.to <= now + 2 * HOUR && Math.abs(shown.to - shown.from - WIDTH[preset]) <= HOUR)
      return preset
  }
  if (!summary?.firstEvent || !summary.lastEvent) return undefined
  const holdsAll = shown.from <= Date.parse(summary.firstEvent) && shown.to > Date.parse(summary.lastEvent)
  const isTight =
    shown.from > Date.parse(summary.firstEvent) - 2 * DAY && shown.to <= Date.parse(summary.lastEvent) + 2 * DAY
  return holdsAll && isTight ? 'data' : undefined
}

/** One width back or on. A step that reaches the present becomes the preset of that width, so that it keeps moving. */
export function stepRange(shown: Span, direction: -1 | 1, now: number): RangeChoice {
  const width = shown.to - shown.from
  const moved = { from: shown.from + direction * width, to: shown.to + direction * width }
  if (direction === 1 && moved.to >= now) {
    const preset = (['24h', '7d', '30d'] as const).find(name => Math.abs(WIDTH[name] - width) <= HOUR)
    const end = ceil(now, HOUR)
    return preset ?? { from: end - width, to: end }
  }
  return moved
}

/** True when there is nothing later to step to. */
export function endsNow(shown: Span, now: number): boolean {
  return shown.to >= floor(now, HOUR)
}

export function nextPreset(current: Preset | undefined): Preset {
  const at = PRESETS.findIndex(({ preset }) => preset === current)
  return PRESETS[(at + 1) % PRESETS.length]?.preset ?? '7d'
}

/** Snaps outward to whole hours, the grain of the read model. */
export function snapToHours(from: number, to: number): Span {
  return { from: floor(from, HOUR), to: Math.max(ceil(to, HOUR), floor(from, HOUR) + HOUR) }
}

function floor(time: number, unit: number): number {
  return Math.floor(time / unit) * unit
}

function ceil(time: number, unit: number): number {
  return Math.ceil(time / unit) * unit
}
