import { createWriteStream } from 'node:fs'
import { join } from 'node:path'
import { finished } from 'node:stream/promises'
import { copyRow, open } from '@plimsoll/database'
import { append } from '@plimsoll/eventlog'
import type { RunOptions } from '../form.ts'
import { entryOf, lineOf, sessionRow } from './rows.ts'

const atOnce = 20_000

const columns = ['id', 'project', 'user_id', 'started_at', 'last_at', 'tier', 'region', 'flags', 'enrichment', 'events']

/**
 * Puts sessions into the primary store of a platform that is stopped, by COPY: log, sessions and books, as ingest leaves them.
 * The read models are made from the log by the platform itself. The same rows go to a file for the other engines.
 */
export async function loadPrimary(
  data: string,
  file: string,
  { total, until }: { total: number; until: number },
  note: RunOptions['note']
): Promise<void> {
  const database = await open(`pglite://${join(data, 'primary')}`)
  const lines = createWriteStream(file)
  try {
    for (let from = 0; from < total; from += atOnce) {
      const rows = Array.from({ length: Math.min(atOnce, total - from) }, (_, i) => sessionRow(from + i, total, until))
      const sessions = rows
        .map(({ id, userId, startedAt, lastAt, tier, region }) =>
          copyRow([id, 'bench', userId, new Date(startedAt), new Date(lastAt), tier, region, '{}', 'known', 1])
        )
        .join('')
      await database.transaction(async tx => {
        await append(tx, rows.map(entryOf))
        await tx.copyIn('telemetry.sessions', columns, sessions)
      })
      if (!lines.write(rows.map(lineOf).join(''))) await new Promise(resolve => lines.once('drain', resolve))
      if ((from + atOnce) % 1_000_000 === 0) note(`  ${(from + atOnce) / 1_000_000} million`)
    }
    await database.query(
      `insert into telemetry.ledger (project, minute, received, accepted, duplicate, rejected, quarantined)
       values ('bench', date_trunc('minute', now()), $1, $1, 0, 0, 0)`,
      [total]
    )
  } finally {
    await database.close()
    lines.end()
    await finished(lines)
  }
}
