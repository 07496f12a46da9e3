/** What a series is measured in, by the last part of its name: see `docs/vocabulary.md`. */
export type Unit = 'ms' | 'bytes' | 'share' | 'count' | 'per second' | 'cores' | 'state'

const sizes = ['B', 'kB', 'MB', 'GB', 'TB'] as const

/** A value as a person reads it: `812 ms`, `4.2 s`, `312 MB`, `93 %`, `1,204`. */
export function quantity(value: number, unit: Unit | string): string {
  if (!Number.isFinite(value)) return '–'
  switch (unit) {
    case 'ms':
      return duration(value)
    case 'bytes':
      return bytes(value)
    case 'share':
      return `${plain(value * 100)} %`
    case 'per second':
      return `${plain(value)} a second`
    case 'cores':
      return `${plain(value)} cores`
    case 'count':
    case 'state':
      return plain(value)
    default:
      return `${plain(value)} ${unit}`
  }
}

function duration(ms: number): string {
  const size = Math.abs(ms)
  if (size < 1_000) return `${plain(ms)} ms`
  if (size < 120_000) return `${plain(ms / 1_000)} s`
  if (size < 7_200_000) return `${plain(ms / 60_000)} min`
  if (size < 172_800_000) return `${plain(ms / 3_600_000)} h`
  return `${plain(ms / 86_400_000)} days`
}

function bytes(value: number): string {
  let step = 0
  let left = value
  while (Math.abs(left) >= 1_000 && step < sizes.length - 1) {
    left /= 1_000
    step++
  }
  return `${plain(left)} ${sizes[step]}`
}

/** Three digits at most after which nobody looks; whole thousands in groups. */
function plain(value: number): string {
  const size = Math.abs(value)
  return value.toLocaleString('en-GB', { maximumFractionDigits: size >= 100 ? 0 : size >= 10 ? 1 : 2 })
}

/** `93 %`; what is no number is a dash. */
export const inPercent = (share: number): string => (Number.isFinite(share) ? `${Math.round(share * 100)} %` : '–')
