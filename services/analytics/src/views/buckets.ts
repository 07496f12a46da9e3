export type Width = 'm' | 'h' | 'd'

const size: Record<Width, number> = { m: 60_000, h: 3_600_000, d: 86_400_000 }

/** Start of the bucket that holds `ms`, in UTC. */
export function bucketOf(width: Width, ms: number): number {
  return Math.floor(ms / size[width]) * size[width]
}

export interface Span {
  width: 'h' | 'd'
  from: number
  to: number
}

/**
 * Splits an hour-aligned range into whole days and the hours at its edges: a month is thirty rows and not seven hundred.
 * The spans do not overlap and together are the range.
 */
export function spansOf(from: number, to: number): Span[] {
  const firstDay = bucketOf('d', from + size.d - 1)
  const lastDay = bucketOf('d', to)
  if (firstDay >= lastDay) return [{ width: 'h', from, to }]
  const spans: Span[] = [{ width: 'd', from: firstDay, to: lastDay }]
  if (from < firstDay) spans.push({ width: 'h', from, to: firstDay })
  if (lastDay < to) spans.push({ width: 'h', from: lastDay, to })
  return spans
}
