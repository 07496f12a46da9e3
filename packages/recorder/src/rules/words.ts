/** Figures as people read them. */

const short = (n: number): string =>
  Math.abs(n) >= 100 ? Math.round(n).toLocaleString('en-GB') : String(Math.round(n * 10) / 10)

export function time(ms: number): string {
  if (Math.abs(ms) < 1_000) return `${short(ms)} ms`
  if (Math.abs(ms) < 120_000) return `${short(ms / 1_000)} s`
  if (Math.abs(ms) < 7_200_000) return `${short(ms / 60_000)} min`
  if (Math.abs(ms) < 172_800_000) return `${short(ms / 3_600_000)} h`
  return `${short(ms / 86_400_000)} days`
}

export function size(bytes: number): string {
  if (bytes < 1e6) return `${short(bytes / 1e3)} kB`
  return bytes < 1e9 ? `${short(bytes / 1e6)} MB` : `${short(bytes / 1e9)} GB`
}

export const share = (part: number): string => `${short(part * 100)} %`
export const count = (n: number): string => Math.round(n).toLocaleString('en-GB')

/** What was before, when it is known. */
export const was = (text: string | undefined): string => (text === undefined ? '' : `; before it was ${text}`)
