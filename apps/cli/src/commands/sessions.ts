import type { SessionAnswer } from '@plimsoll/service-telemetry/contract'
import { Client, type ClientOptions } from '../client.ts'
import { CommandError } from '../exit-codes.ts'
import { print, table } from '../output.ts'

export async function sessions(options: ClientOptions & { json: boolean; limit: string }): Promise<void> {
  const limit = Number(options.limit)
  if (!Number.isInteger(limit) || limit < 1 || limit > 200) throw new CommandError('--limit must be 1 to 200')
  const answer = await new Client(options).get<{ sessions: SessionAnswer[]; next: string | null }>(
    `/v1/sessions?limit=${limit}`
  )
  print(options.json, { project: options.project, ...answer }, () =>
    table(
      ['session', 'started', 'user', 'visits', 'events', 'tier', 'region', 'state'],
      answer.sessions.map(s => [
        s.id,
        s.startedAt,
        s.user.id,
        s.visits,
        s.events,
        typeof s.enrichment === 'string' ? s.enrichment : s.enrichment.tier,
        typeof s.enrichment === 'string' ? s.enrichment : s.enrichment.region,
        s.endedAt === null ? 'open' : 'ended'
      ])
    )
  )
}
