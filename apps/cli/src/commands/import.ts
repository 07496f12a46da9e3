import { createHmac } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { sendEvents } from '@plimsoll/platform/local'
import type { LedgerAnswer } from '@plimsoll/service-telemetry/ledger-contract'
import { Client, type ClientOptions } from '../client.ts'
import { CommandError, exitCodes } from '../exit-codes.ts'
import { type ImportedEvent, readImport } from '../import/access-log-import.ts'
import { LogUnreadable } from '../import/log-source.ts'
import { bold, number, Progress, print, table } from '../output.ts'
import { readStats, type Stats } from './stats.ts'

/** Events a request, and requests under way at once: the reader is never far ahead of what is acknowledged. */
const batchSize = 500
const atOnce = 3
/** Refused lines that are named one by one; all are counted. */
const namedAtMost = 100

interface Refusal {
  file: string
  line: number
  code: string
  detail: string
}

interface ImportResult {
  project: string
  files: string[]
  lines: number
  accepted: number
  duplicate: number
  refused: number
  /** The first hundred of them. */
  refusals: Refusal[]
  /** Of the files, whatever the project held before. */
  sessions: number
  users: number
  statusClasses: Record<string, number>
  sessionsByDay: Record<string, number>
  topFeatures: { feature: string; uses: number }[]
  /** The project after the import, from its dashboard; null when the read side had not caught up in time. */
  stored: Stats | null
}

interface Numbered {
  file: string
  line: number
  event: ImportedEvent
}

/** `plimsoll import`: exit 0, or 3 when some lines were refused; 2 when a file cannot be read, 1 when the platform stayed away. */
export async function importLogs(files: string[], options: ClientOptions & { json: boolean }): Promise<void> {
  const client = new Client(options)
  const key = createHmac('sha256', client.directory.secret).update('users of access logs').digest()
  const source = readImport(files, { key })
  const progress = new Progress('importing')
  const facts = new Facts()
  let accepted = 0
  let duplicate = 0
  let refused = 0
  const refusals: Refusal[] = []
  const refuse = (refusal: Refusal) => {
    refused++
    if (refusals.length < namedAtMost) refusals.push(refusal)
  }
  const send = async (batch: Numbered[]) => {
    const sent = await sendEvents(
      batch.map(({ event }) => event),
      {
        url: () => client.directory.readAddresses()?.url ?? client.url,
        token: client.directory.adminToken,
        project: options.project,
        backfill: true
      }
    )
    accepted += sent.accepted
    duplicate += sent.duplicate
    for (const { index, code, detail } of sent.rejected)
      refuse({ file: batch[index]!.file, line: batch[index]!.line, code, detail })
    progress.update(
      accepted + duplicate + refused,
      source.totals.lines,
      `${number(accepted)} accepted, ${number(duplicate)} duplicate`
    )
  }
  try {
    await source.prepare()
    const underWay = new Set<Promise<void>>()
    let batch: Numbered[] = []
    const flush = async () => {
      const sending = send(batch).finally(() => underWay.delete(sending))
      batch = []
      underWay.add(sending)
      // A failure of any of them ends the import here, not as an unhandled rejection later.
      sending.catch(() => undefined)
      if (underWay.size >= atOnce) await Promise.race(underWay)
    }
    for await (const item of source.events()) {
      if ('refused' in item) {
        refuse({ file: item.file, line: item.line, code: item.refused.code, detail: item.refused.detail })
        continue
      }
      facts.add(item.event)
      batch.push(item)
      if (batch.length === batchSize) await flush()
    }
    if (batch.length > 0) await flush()
    await Promise.all(underWay)
  } catch (error) {
    await source.close()
    if (error instanceof CommandError) throw error
    // Found before the first event is sent: everything is read once before.
    const code = error instanceof LogUnreadable ? exitCodes.couldNotRun : exitCodes.failed
    throw new CommandError((error as Error).message, code)
  } finally {
    progress.end()
  }
  const result: ImportResult = {
    project: options.project,
    files,
    lines: source.totals.lines,
    accepted,
    duplicate,
    refused,
    refusals,
    sessions: source.totals.sessions,
    users: source.totals.users,
    ...facts.summary(),
    sessionsByDay: source.sessionsByDay(),
    stored: await readWhenCounted(client, options.project)
  }
  print(options.json, result, () => describeImport(result))
  if (refused > 0) process.exitCode = exitCodes.partlyRefused
}

/**
 * Waits for an answer that is as of now or later, for ten seconds at most: the figures printed are then the dashboard's.
 * Everything is stored by then, so a platform that is away for a moment, or busy with others' events, fails no import.
 */
async function readWhenCounted(client: Client, project: string): Promise<Stats | null> {
  let storedAt: string | undefined
  for (let tries = 0; tries < 50; tries++) {
    try {
      // The platform's own clock, which need not agree with this machine's.
      storedAt ??= (await client.get<LedgerAnswer>('/v1/ledger')).asOf
      const stats = await readStats(client, project)
      if (stats.freshness.complete && stats.asOf >= storedAt) return stats
    } catch (error) {
      if (!(error instanceof CommandError)) throw error
    }
    await sleep(200)
  }
  return null
}

/** Counts of the files themselves. */
class Facts {
  #status: Record<string, number> = {}
  #features = new Map<string, number>()

  add({ data }: ImportedEvent): void {
    const status = `${Math.floor(data.status / 100)}xx`
    this.#status[status] = (this.#status[status] ?? 0) + 1
    this.#features.set(data.feature, (this.#features.get(data.feature) ?? 0) + 1)
  }

  summary(): Pick<ImportResult, 'statusClasses' | 'topFeatures'> {
    return {
      statusClasses: Object.fromEntries(Object.entries(this.#status).sort()),
      topFeatures: [...this.#features]
        .sort(([a, m], [b, n]) => n - m || a.localeCompare(b))
        .slice(0, 10)
        .map(([feature, uses]) => ({ feature, uses }))
    }
  }
}

function describeImport(result: ImportResult): string[] {
  return [
    `${bold(`${number(result.lines)} lines`)}: ${number(result.accepted)} accepted, ${number(result.duplicate)} duplicate, ${number(result.refused)} refused`,
    ...result.refusals.slice(0, 10).map(r => `  ${r.file}:${r.line}  ${r.code}: ${r.detail}`),
    ...(result.refused > 10 ? [`  … and ${number(result.refused - 10)} more`] : []),
    `${number(result.sessions)} sessions of ${number(result.users)} users; status ${Object.entries(result.statusClasses)
      .map(([name, n]) => `${name} ${number(n)}`)
      .join(', ')}`,
    '',
    ...table(['UTC day', 'sessions'], Object.entries(result.sessionsByDay)),
    '',
    ...table(
      ['feature', 'uses'],
      result.topFeatures.map(f => [f.feature, f.uses])
    ),
    '',
    result.stored
      ? `The project now has ${number(result.stored.sessions)} sessions of ${number(result.stored.users)} users.`
      : 'The read side has not counted everything yet; `plimsoll stats` will show it.'
  ]
}
