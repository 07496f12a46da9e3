import { askedRegion } from './rows.ts'

/**
 * The seed's question: active sessions in the last 24 hours, by plan tier, filtered by region, with a 7-day trend. `now` is a
 * literal, so that every engine is asked for the same 24 hours.
 */
export const questionOf = (table: string, now: Date) => `
  select tier, date_trunc('day', started_at) as day, count(*) as sessions,
    count(*) filter (where last_at > timestamptz '${now.toISOString()}' - interval '24 hours') as active
  from ${table}
  where project = 'bench' and region = '${askedRegion}' and started_at > timestamptz '${now.toISOString()}' - interval '7 days'
  group by 1, 2`

export interface Answer {
  sessions: number
  active: number
}

/** What the rows of an answer add up to, to compare engines by. */
export function sumOf(rows: readonly { sessions: unknown; active: unknown }[]): Answer {
  return rows.reduce<Answer>(
    (sum, { sessions, active }) => ({
      sessions: sum.sessions + Number(sessions),
      active: sum.active + Number(active)
    }),
    { sessions: 0, active: 0 }
  )
}

export interface Timed {
  p50: number
  p99: number
  best: number
}

/** Asks again and again, one at a time; milliseconds. */
export async function timed(times: number, ask: () => Promise<unknown>): Promise<Timed> {
  const took: number[] = []
  for (let i = 0; i < times; i++) {
    const startedAt = performance.now()
    await ask()
    took.push(performance.now() - startedAt)
  }
  took.sort((a, b) => a - b)
  const at = (q: number) => Math.round(took[Math.min(took.length - 1, Math.floor(took.length * q))]! * 100) / 100
  return { p50: at(0.5), p99: at(0.99), best: at(0) }
}
