/**
 * What is known of a user's plan and place. Three states, never mixed: `known`; `absent`, the directory was asked and
 * does not have the user; `unknown`, it could not be asked and will be again.
 */
export type Enrichment =
  | { state: 'known'; tier: string; region: string; flags: Record<string, boolean> }
  | { state: 'absent' }
  | { state: 'unknown' }

export const absent: Enrichment = { state: 'absent' }
export const unknown: Enrichment = { state: 'unknown' }

/** The label read models count under. `none` and `unknown` cannot be tiers of a real plan by the metadata contract's use. */
export function tierOf(enrichment: Enrichment): string {
  return enrichment.state === 'known' ? enrichment.tier : enrichment.state === 'absent' ? 'none' : 'unknown'
}

export function regionOf(enrichment: Enrichment): string {
  return enrichment.state === 'known' ? enrichment.region : enrichment.state === 'absent' ? 'none' : 'unknown'
}
