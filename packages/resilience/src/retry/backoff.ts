export interface Backoff {
  baseMs: number
  maxMs: number
  jitter: 'full' | 'decorrelated'
}

/**
 * How long to wait before retry number `n` (1 = the first), given the wait before it.
 *
 * Both are Marc Brooker's ("Exponential backoff and jitter", AWS 2015). The cap is put on the range before it is drawn
 * from, never on what was drawn: clamped waits would fall on the same instant again.
 */
export function backoffMs({ baseMs, maxMs, jitter }: Backoff, n: number, lastMs: number, random: () => number): number {
  if (jitter === 'full') return random() * Math.min(maxMs, baseMs * 2 ** Math.min(n - 1, 50))
  const highest = Math.min(maxMs, Math.max(lastMs, baseMs) * 3)
  return baseMs + random() * Math.max(0, highest - baseMs)
}
