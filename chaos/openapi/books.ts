import type { StartedPlatform } from '@plimsoll/bench'
import { type Draft, projects } from './draft.ts'
import { isRefusalForNow, read } from './judge.ts'
import type { Answer } from './wire.ts'

interface Ledger {
  accepted: number
  pending: number | null
  balanced: boolean
}

/** The most events of one request: what may have been written when no answer tells. */
const mostEvents = 500

/** What the project of the books must hold, as far as the answers told. */
export class Books {
  accepted = 0
  /** So many more may have been written by requests whose answer did not tell. */
  perhaps = 0

  answered(draft: Draft, answer: Answer): void {
    if (!concerns(draft)) return
    const { status, headers, body } = answer
    if (isRefusalForNow(draft.operation, answer)) this.perhaps += eventsOf(draft)
    else if (status === 201 && !headers.has('idempotent-replayed')) this.accepted++
    else if (status === 200 && draft.path.startsWith('/v1/events')) {
      const { results = [] } = (read(body) ?? {}) as { results?: { result: string }[] }
      this.accepted += results.filter(({ result }) => result === 'accepted').length
    }
  }

  unanswered(draft: Draft): void {
    if (concerns(draft)) this.perhaps += eventsOf(draft)
  }

  /** Waits, for a minute at most, until everything accepted is counted; then the books of every project of the run. */
  async close(
    platform: StartedPlatform
  ): Promise<{ ledgers: Record<string, Ledger>; unbalanced: number; off: number }> {
    const ledgers: Record<string, Ledger> = {}
    for (const project of [...Object.values(projects), 'default']) ledgers[project] = await settled(platform, project)
    const { accepted } = ledgers[projects.books]!
    return {
      ledgers,
      unbalanced: Object.values(ledgers).filter(({ balanced, pending }) => !balanced || pending !== 0).length,
      off: Math.max(this.accepted - accepted, accepted - this.accepted - this.perhaps, 0)
    }
  }
}

const eventsOf = ({ value, text, bytes }: Draft) =>
  text !== undefined || bytes !== undefined ? mostEvents : Array.isArray(value) ? value.length : 1

const concerns = ({ headers }: Draft) => headers.some(([, value]) => value.includes('{books}'))

async function settled(platform: StartedPlatform, project: string): Promise<Ledger> {
  let ledger = await platform.get<Ledger>('/v1/ledger', project)
  for (let tries = 0; tries < 240 && ledger.pending !== 0; tries++) {
    await new Promise(resolve => setTimeout(resolve, 250))
    ledger = await platform.get<Ledger>('/v1/ledger', project)
  }
  return ledger
}
