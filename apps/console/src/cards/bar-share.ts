import type { CSSProperties } from 'react'

/** The length of a bar, as a share of the longest, for the style sheet to draw. */
export function barShare(value: number, greatest: number): CSSProperties {
  const share = greatest > 0 ? Math.min(1, Math.max(0, value / greatest)) : 0
  return { '--share': share.toFixed(4) } as CSSProperties
}
