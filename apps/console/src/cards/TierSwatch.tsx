import { TIER_INKS } from '../chart/ink.ts'
import { tierInk } from '../tiers.ts'

/** The colour of a tier, as in the chart. The name always stands beside it. */
export function TierSwatch({ tier, tiers }: { tier: string; tiers: readonly string[] }) {
  return <span className={`swatch swatch-${tierInk(tier, tiers, TIER_INKS)}`} aria-hidden="true" />
}
