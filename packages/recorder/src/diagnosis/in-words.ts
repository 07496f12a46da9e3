/** A length of time as a person says it: `40 s`, `12 min`, `5 h`, `3 days`. */
export function inWords(ms: number): string {
  const seconds = Math.max(0, ms) / 1_000
  if (seconds < 120) return `${Math.round(seconds)} s`
  if (seconds < 7_200) return `${Math.round(seconds / 60)} min`
  if (seconds < 172_800) return `${Math.round(seconds / 3_600)} h`
  return `${Math.round(seconds / 86_400)} days`
}

/** `12:03:04 UTC`. */
export const clockTime = (ms: number): string => `${new Date(ms).toISOString().slice(11, 19)} UTC`

export const percent = (share: number): string => `${Math.round(share * 100)} %`
