import {
  type Database,
  DatabaseError,
  GroupCommit,
  isUniqueViolation,
  migrate,
  type Transaction
} from '@plimsoll/database'
import type { Broker, BrokerLag, Place, Position } from '../../broker.ts'
import type { Capabilities } from '../../capabilities.ts'
import type { Envelope } from '../../message/envelope.ts'
import { type Page, type PartitionLog, positionalBroker, type ReadStatistics } from '../../sources/positional.ts'
import { copyMessages, insertMessages, placeOf, positionText, readMessages } from './rows.ts'

export interface LogBrokerOptions {
  database: Database
  /** Of the log's tables. Default `pubsub_log`. */
  schema?: string
  /** Of a topic that is made here, fixed from then on. Default 8. */
  partitions?: number
  /** Time between looks when no commit of this process is heard of, in milliseconds. Default 250. */
  pollMs?: number
  /** Of the end of each partition that is kept in memory for all groups, in bytes. Default 4,000,000. */
  windowBytes?: number
}

export const logCapabilities: Capabilities = {
  name: 'log',
  ordering: 'partition',
  groups: true,
  replay: true,
  history: true,
  lag: true,
  transactional: true,
  dedupeWindowMs: Number.POSITIVE_INFINITY,
  maxBytes: 16_000_000,
  delay: false,
  priorities: false,
  deadLetters: false,
  confirmed: 'committed'
}

export interface LogBroker extends Broker {
  /** Messages read from the tables, and given to groups. */
  statistics(): ReadStatistics
  /**
   * Removes messages of a topic that were published before a moment (milliseconds since 1970), `limit` at most. A group that
   * has not reached them never will, and their ids are new again.
   */
  trim(topic: string, options: { before: number; limit: number }): Promise<number>
}

/** Makes the log's tables. Safe to call again, and from several processes at once. */
export async function migrateLogBroker(database: Database, schema = 'pubsub_log'): Promise<void> {
  await migrate(database, `pubsub-log:${schema}`, new URL('./migrations/', import.meta.url), { schema })
}

/** While something committed is above the horizon nobody tells when it moves. */
const heldPollMs = 20

/** The database as the broker: embedded or a server. Publishers share commits, groups share reads. */
export function logBroker(options: LogBrokerOptions): LogBroker {
  const { database, schema = 'pubsub_log', partitions = 8, pollMs = 250, windowBytes } = options
  const channel = `pubsub-log:${schema}`
  const topics = new Map<string, { topic: number; partitions: number }>()

  const topicOf = async (name: string) => {
    const known = topics.get(name)
    if (known) return known
    await database.query(`insert into "${schema}".topics (name, partitions) values ($1, $2) on conflict do nothing`, [
      name,
      partitions
    ])
    const { rows } = await database.query<{ topic: number; partitions: number }>(
      `select topic, partitions from "${schema}".topics where name = $1`,
      [name]
    )
    topics.set(name, rows[0]!)
    return rows[0]!
  }

  type Work = { name: string; topic: number; envelopes: readonly Envelope[] }
  const tell = (tx: Transaction, work: readonly Work[]) => {
    const told = new Set<string>()
    for (const { name, envelopes } of work) for (const { partition } of envelopes) told.add(`${name}/${partition}`)
    tx.notify(channel, [...told])
  }
  const write = async (work: readonly Work[], into: typeof copyMessages) => {
    const messages = work.flatMap(({ topic, envelopes }) => envelopes.map(envelope => ({ topic, envelope })))
    await database.transaction(async tx => {
      await into(tx, schema, messages)
      tell(tx, work)
    })
  }
  // One at a time: who publishes twice without waiting in between means an order.
  const commits = new GroupCommit<Work, void>({
    async commit(work) {
      try {
        await write(work, copyMessages)
      } catch (error) {
        if (!isUniqueViolation(error)) throw error
        await write(work, insertMessages)
      }
      return work.map(() => undefined)
    }
  })

  const log: PartitionLog = {
    pollMs,
    async read(name, partition, after, limit): Promise<Page> {
      const { topic } = await topicOf(name)
      const deliveries = await readMessages(database, schema, { topic, partition, after, limit })
      if (deliveries.length > 0 || database.engine === 'pglite') return { deliveries }
      const { rows } = await database.query(
        `select from "${schema}".messages m where m.topic = $1 and m.partition = $2
         and (m.xid, m.position) > ($3::xid8, $4::bigint) limit 1`,
        [topic, partition, ...placeOf(after)]
      )
      return rows.length > 0 ? { deliveries, retryInMs: heldPollMs } : { deliveries }
    },
    onNews: (name, listener) =>
      database.listen(channel, details => {
        for (const told of details as string[][]) {
          for (const each of told) {
            const slash = each.lastIndexOf('/')
            if (each.slice(0, slash) === name) listener(Number(each.slice(slash + 1)))
          }
        }
      })
  }
  const sources = positionalBroker(log, windowBytes === undefined ? {} : { windowBytes })

  return {
    capabilities: logCapabilities,
    open: sources.open,
    statistics: sources.statistics,
    topic: async name => (await topicOf(name)).partitions,
    group: async () => undefined,
    async publish(name, envelopes) {
      const { topic } = await topicOf(name)
      await commits.submit({ name, topic, envelopes }, envelopes.length)
    },
    async publishIn(tx, name, envelopes) {
      const { topic } = await topicOf(name)
      await insertMessages(
        tx,
        schema,
        envelopes.map(envelope => ({ topic, envelope }))
      )
      await refuseInverted(tx, topic, new Set(envelopes.map(({ partition }) => partition)))
      tell(tx, [{ name, topic, envelopes }])
    },
    async lag({ topic: name, partition }: Place, after: Position): Promise<BrokerLag> {
      const { topic } = await topicOf(name)
      const { rows } = await database.query<{ messages: number; oldest: number | null }>(
        `select count(*)::int as messages, (extract(epoch from min(published_at)) * 1000)::float8 as oldest from (
           select published_at from "${schema}".messages m where m.topic = $1 and m.partition = $2
             and (m.xid, m.position) > ($3::xid8, $4::bigint) order by m.xid, m.position limit 100000) behind`,
        [topic, partition, ...placeOf(after)]
      )
      return { messages: rows[0]!.messages, oldestAt: rows[0]!.oldest }
    },
    async seek(name, partition, from) {
      if (from === 'start') return null
      const { topic } = await topicOf(name)
      const before = from === 'end' ? 'true' : 'm.published_at < $3'
      const { rows } = await database.query<{ xid: string; position: number }>(
        `select m.xid::text as xid, m.position from "${schema}".messages m where m.topic = $1 and m.partition = $2
         and ${before} order by m.xid desc, m.position desc limit 1`,
        [topic, partition, ...(from === 'end' ? [] : [new Date(from.time)])]
      )
      return rows[0] ? positionText(rows[0]) : null
    },
    async trim(name, { before, limit }) {
      const { topic } = await topicOf(name)
      const { affected } = await database.query(
        `delete from "${schema}".messages where (topic, id) in (
           select topic, id from "${schema}".messages where topic = $1 and published_at < $2 limit $3)`,
        [topic, new Date(before), limit]
      )
      return affected
    },
    async close() {
      await commits.close()
      sources.closeReaders()
    }
  }

  /**
   * A transaction that took its number before another one's publish was committed would stand in front of it, although it
   * may have been made because of it. Only one that is in a caller's hands can be so old.
   */
  async function refuseInverted(tx: Transaction, topic: number, touched: ReadonlySet<number>): Promise<void> {
    const { rows } = await tx.query(
      `select from "${schema}".messages m where m.topic = $1 and m.partition = any($2::int[])
       and m.xid > pg_current_xact_id() limit 1`,
      [topic, [...touched]]
    )
    if (rows.length === 0) return
    throw new DatabaseError('a later transaction has published before this one; begin again in a fresh one', '40001')
  }
}
