import { weighted } from './distributions.ts'

export interface Feature {
  name: string
  /** How often it is used, beside the others. */
  weight: number
  /** Of a latency, in milliseconds. */
  medianMs: number
  /** How far latencies spread: 0.5 is a steady feature, 1 a moody one. */
  sigma: number
  /** Share of uses that fail. */
  errorRate: number
}

/** The product whose users the demo shows: an everyday web application, with one slow feature and one fragile one. */
export const features: readonly Feature[] = [
  { name: 'dashboard', weight: 30, medianMs: 85, sigma: 0.5, errorRate: 0.005 },
  { name: 'search', weight: 22, medianMs: 120, sigma: 0.6, errorRate: 0.008 },
  { name: 'editor', weight: 14, medianMs: 60, sigma: 0.5, errorRate: 0.006 },
  { name: 'comments', weight: 9, medianMs: 45, sigma: 0.5, errorRate: 0.005 },
  { name: 'notifications', weight: 7, medianMs: 30, sigma: 0.4, errorRate: 0.005 },
  { name: 'settings', weight: 5, medianMs: 55, sigma: 0.5, errorRate: 0.01 },
  { name: 'upload', weight: 4, medianMs: 340, sigma: 0.8, errorRate: 0.025 },
  { name: 'export', weight: 3, medianMs: 480, sigma: 0.8, errorRate: 0.03 },
  { name: 'report', weight: 2.5, medianMs: 1900, sigma: 0.7, errorRate: 0.02 },
  { name: 'invite', weight: 1.6, medianMs: 95, sigma: 0.5, errorRate: 0.015 },
  { name: 'integrations', weight: 1.1, medianMs: 260, sigma: 0.9, errorRate: 0.04 },
  { name: 'billing', weight: 0.8, medianMs: 150, sigma: 0.6, errorRate: 0.012 }
]

export const pickFeature = weighted(features, ({ weight }) => weight)

const userCount = 2000
/** Zipf's law with a mild exponent: some users come every day, most now and then. */
const pickRank = weighted(
  Array.from({ length: userCount }, (_, rank) => rank),
  rank => (rank + 1) ** -0.6
)

/** The busy ones are spread over the numbers: 7919 has no factor in common with their count. */
export function pickUser(random: Parameters<typeof pickRank>[0]): string {
  const number = (pickRank(random) * 7919 + 123) % userCount
  return `demo-user-${String(number).padStart(6, '0')}`
}
