import { type Database, DatabaseError, GroupCommit, migrate, type Transaction } from '@plimsoll/database'
import type { Broker, BrokerLag, Delivery, Place, Position } from '../../broker.ts'
import type { Capabilities } from '../../capabilities.ts'
import type { Envelope } from '../../message/envelope.ts'
import { type Page, type PartitionLog, positionalBroker, type ReadStatistics } from '../../sources/positional.ts'
import { placeOf, positionIn, positionText, segmentText } from './place.ts'
import { behind, freshRows, insertion, insertRows, mostRows, newRows, readSegments, segmentsFor } from './rows.ts'
import type { Publication } from './segment.ts'
import { trimSegments } from './trim.ts'

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

/** Messages of one call that make segments of their own, at once, while the commit before is under way. */
const manyEnough = 500

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

  const newsOf = (name: string, envelopes: readonly Envelope[]) => {
    const touched = new Set<number>()
    for (const { partition } of envelopes) touched.add(partition)
    return [...touched].map(partition => `${name}/${partition}`)
  }
  // One at a time: who publishes twice without waiting in between means an order.
  const commits = new GroupCommit<Publication & { news: string[] }, void>({
    maxBatch: 2_000,
    ahead: 1_000,
    async commit(work) {
      const news = work.flatMap(each => each.news)
      const rows = freshRows(work)
      if (rows && rows.length <= mostRows) {
        await database.commit(insertion(schema, rows.length), rows.flat(), new Map([[channel, [news]]]))
      } else {
        await database.transaction(async tx => {
          await insertRows(tx, schema, rows ?? (await newRows(tx, schema, work)))
          tx.notify(channel, news)
        })
      }
      return work.map(() => undefined)
    }
  })

  // Messages of a segment, about, in what was read last of a topic.
  const perSegment = new Map<number, number>()
  const log: PartitionLog = {
    pollMs,
    async read(name, partition, after, limit): Promise<Page> {
      const { topic } = await topicOf(name)
      const segments = segmentsFor(limit, perSegment.get(topic) ?? 1)
      const packed = await readSegments(database, schema, { topic, partition, after, limit, segments })
      const deliveries: Delivery[] = []
      if (packed.length > 0) {
        const messages = packed.reduce((sum, { count }) => sum + count, 0)
        perSegment.set(topic, messages / packed.length)
        return { deliveries, packed, more: packed.length === segments }
      }
      if (database.engine === 'pglite') return { deliveries }
      const { rows } = await database.query(
        `select from "${schema}".segments m where ${behind} limit 1`,
        valuesOf(topic, partition, after)
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
    open: (place, options) => sources.open(place, { ...options, after: positionIn(options.after) }),
    statistics: sources.statistics,
    topic: async name => (await topicOf(name)).partitions,
    group: async () => undefined,
    async publish(name, envelopes) {
      const { topic } = await topicOf(name)
      const news = newsOf(name, envelopes)
      const rows = envelopes.length < manyEnough ? undefined : freshRows([{ topic, envelopes }])
      // What waits for its commit is moved by the collector of garbage: the text of segments is the least there is to wait.
      // Not awaited here, where the messages would be kept for as long.
      return commits.submit({ topic, envelopes: rows ? [] : envelopes, rows, news }, envelopes.length)
    },
    async publishIn(tx, name, envelopes) {
      const { topic } = await topicOf(name)
      await insertRows(tx, schema, await newRows(tx, schema, [{ topic, envelopes }]))
      await refuseInverted(tx, topic, new Set(envelopes.map(({ partition }) => partition)))
      tx.notify(channel, newsOf(name, envelopes))
    },
    async lag({ topic: name, partition }: Place, after: Position): Promise<BrokerLag> {
      const { topic } = await topicOf(name)
      const { rows } = await database.query<{ messages: number; oldest: number | null }>(
        `select coalesce(sum(messages), 0)::int as messages,
           (extract(epoch from min(published_at)) * 1000)::float8 as oldest from (
           select published_at, until - case when m.xid = $3::xid8 and m.position = $4::bigint
             then greatest(first, $5::int + 1) else first end as messages
           from "${schema}".segments m where ${behind} order by m.xid, m.position limit 100000) n`,
        valuesOf(topic, partition, after)
      )
      return { messages: rows[0]!.messages, oldestAt: rows[0]!.oldest }
    },
    async seek(name, partition, from) {
      if (from === 'start') return null
      const { topic } = await topicOf(name)
      const before = from === 'end' ? 'true' : 'm.published_at < $3'
      const { rows } = await database.query<{ xid: string; position: number; last: number }>(
        `select m.xid::text as xid, m.position, m.until - 1 as last from "${schema}".segments m
         where m.topic = $1 and m.partition = $2 and ${before} order by m.xid desc, m.position desc limit 1`,
        [topic, partition, ...(from === 'end' ? [] : [new Date(from.time)])]
      )
      const [row] = rows
      return row ? positionText(segmentText(row.xid, row.position), row.last) : null
    },
    async trim(name, { before, limit }) {
      const { topic } = await topicOf(name)
      return await database.transaction(tx => trimSegments(tx, schema, { topic, before, limit }))
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
      `select from "${schema}".segments m where m.topic = $1 and m.partition = any($2::int[])
       and m.xid > pg_current_xact_id() limit 1`,
      [topic, [...touched]]
    )
    if (rows.length === 0) return
    throw new DatabaseError('a later transaction has published before this one; begin again in a fresh one', '40001')
  }
}

function valuesOf(topic: number, partition: number, after: Position): unknown[] {
  const { xid, position, at } = placeOf(after)
  return [topic, partition, xid, position, at]
}
