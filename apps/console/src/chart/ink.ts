/** Colours for the canvas, read from the style sheet so that a theme lives in one place. */

export interface Ink {
  label: string
  grid: string
  tiers: readonly string[]
  none: string
  unknown: string
  p50: string
  p95: string
  p99: string
  error: string
  errorFill: string
}

export const TIER_INKS = 6

/** `within` must be in the document. */
export function readInk(within: HTMLElement): Ink {
  // A custom property is handed out unresolved; a real property of a probe is not.
  const probe = document.createElement('span')
  within.append(probe)
  const read = (token: string) => {
    probe.style.color = `var(--${token})`
    return getComputedStyle(probe).color
  }
  const ink: Ink = {
    label: read('muted'),
    grid: read('grid'),
    tiers: Array.from({ length: TIER_INKS }, (_, index) => read(`tier-${index}`)),
    none: read('tier-none'),
    unknown: read('tier-unknown'),
    p50: read('p50'),
    p95: read('p95'),
    p99: read('p99'),
    error: read('bad'),
    errorFill: read('bad-wash')
  }
  probe.remove()
  return ink
}

/** Diagonal hatching: sessions whose tier is not known yet are there, but are not of a kind. */
export function hatch(colour: string): CanvasPattern | string {
  const scale = Math.max(1, Math.round(window.devicePixelRatio))
  const size = 6 * scale
  const tile = document.createElement('canvas')
  tile.width = size
  tile.height = size
  const context = tile.getContext('2d')
  if (context === null) return colour
  context.globalAlpha = 0.28
  context.fillStyle = colour
  context.fillRect(0, 0, size, size)
  context.globalAlpha = 1
  context.strokeStyle = colour
  context.lineWidth = 1.4 * scale
  context.beginPath()
  for (const shift of [-size, 0, size]) {
    context.moveTo(shift, size)
    context.lineTo(shift + size, 0)
  }
  context.stroke()
  return context.createPattern(tile, 'repeat') ?? colour
}
