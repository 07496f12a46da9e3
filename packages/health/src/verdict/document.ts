/** `pass` and `warn` are answered with 200, `fail` with 503. */
export type Status = 'pass' | 'warn' | 'fail'

/** One measurement, as draft-inadarei-api-health-check-06 names its members. */
export interface Measurement {
  status: Status
  observedValue?: number | string | boolean
  observedUnit?: string
  /** When it was observed, ISO 8601 in UTC. */
  time: string
  /** What is the matter; absent when nothing is. */
  output?: string
  /** Members beyond the draft. */
  kind?: 'shared' | 'own'
  readiness?: 'fail' | 'warn' | 'none'
  because?: string
  ageMs?: number
  failures?: number
}

/** An answer, as `application/health+json`. */
export interface HealthDocument {
  status: Status
  /** The verdict in a sentence, for people. */
  output: string
  releaseId?: string
  serviceId?: string
  checks: Record<string, Measurement[]>
}

const rank: Record<Status, number> = { pass: 0, warn: 1, fail: 2 }

export function worst(statuses: Iterable<Status>): Status {
  let found: Status = 'pass'
  for (const status of statuses) if (rank[status] > rank[found]) found = status
  return found
}
