/** Plan tiers: their order from the keel up, and what they are called on the page. */

const RANKS = ['free', 'trial', 'basic', 'starter', 'plus', 'pro', 'team', 'business', 'premium', 'scale', 'enterprise']
const LAST = ['none', 'unknown']

/** Known plans from small to large, plans we have no rank for by name, then `none`, then `unknown` on top. */
export function orderTiers(tiers: Iterable<string>): string[] {
  return [...new Set(tiers)].sort((a, b) => rank(a) - rank(b) || (a < b ? -1 : 1))
}

/** The tiers of several counts at once, in order; a tier that has no session anywhere is left out. */
export function tiersIn(counts: Iterable<Record<string, number>>): string[] {
  const seen = new Set<string>()
  for (const tiers of counts) for (const [tier, sessions] of Object.entries(tiers)) if (sessions > 0) seen.add(tier)
  return orderTiers(seen)
}

/** How many sessions of a tier; what the counts do not have is none. A tier may be called `constructor`, which any object inherits. */
export function countOf(counts: Readonly<Record<string, number>>, tier: string): number {
  return Object.hasOwn(counts, tier) ? (counts[tier] ?? 0) : 0
}

export function tierName(tier: string): string {
  if (tier === 'unknown') return 'unknown (not yet enriched)'
  if (tier === 'none') return 'none (not in the directory)'
  return tier
}

/** Which ink of the ramp a tier is drawn in: `ink` counts up through the plans; the two special ones have their own. */
export function tierInk(tier: string, tiers: readonly string[], inks: number): number | 'none' | 'unknown' {
  if (tier === 'none' || tier === 'unknown') return tier
  const plans = tiers.filter(other => !LAST.includes(other))
  return Math.max(0, plans.indexOf(tier)) % inks
}

function rank(tier: string): number {
  const last = LAST.indexOf(tier)
  if (last >= 0) return 1000 + last
  const known = RANKS.indexOf(tier)
  return known >= 0 ? known : 500
}
