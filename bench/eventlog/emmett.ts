import { dumbo, sql } from '@event-driven-io/dumbo'
import type { Event } from '@event-driven-io/emmett'
import {
  getPostgreSQLEventStore,
  postgreSQLEventStoreConsumer,
  postgreSQLEventStoreMessageBatchPuller,
  postgreSQLRawSQLProjection
} from '@event-driven-io/emmett-postgresql'
import pg from 'pg'

export type Placed = Event<'order.placed', Record<string, unknown>>

/** What the bench asks of a peer. */
export interface Peer {
  append(stream: string, events: Placed[]): Promise<unknown>
  /** How many events it has. */
  readStream(stream: string): Promise<number>
  /** Reads the log from its beginning, so many events at least; events a second. */
  catchUp(events: number): Promise<number>
  /** Counts the log's events by stream into a table, so many at least; events a second. */
  project(events: number): Promise<number>
  /** Tells its planner what is there, as ours is told. */
  analyze(): Promise<unknown>
  close(): Promise<void>
}

/** Pages as large as ours, and no pause between them: by default they are of 100, with 50 ms between. */
const pulling = { batchSize: 1_000, pullingFrequencyInMs: 0 }

/** Emmett on a database of its own, with as many connections as ours. */
export async function openEmmett(connectionString: string): Promise<Peer> {
  const pool = new pg.Pool({ connectionString, max: 16 })
  const store = getPostgreSQLEventStore(connectionString, { connectionOptions: { pool } })
  await store.schema.migrate()
  await pool.query('create table counts (stream text primary key, n int not null)')
  const reading = dumbo({ connectionString, pool })
  return {
    append: (stream, events) =>
      store.appendToStream(stream, events, { expectedStreamVersion: 'STREAM_DOES_NOT_EXIST' }),
    async readStream(stream) {
      return (await store.readStream(stream)).events.length
    },
    async catchUp(events) {
      let read = 0
      const began = performance.now()
      const puller = postgreSQLEventStoreMessageBatchPuller({
        ...pulling,
        executor: reading.execute,
        signal: new AbortController().signal,
        eachBatch: async batch => {
          read += batch.length
          return read < events ? undefined : { type: 'STOP' }
        }
      })
      await puller.start({ startFrom: 'BEGINNING' })
      return rate(read, began)
    },
    async project(events) {
      let applied = 0
      const began = performance.now()
      const consumer = postgreSQLEventStoreConsumer<Placed>({
        connectionString,
        pulling,
        stopWhen: { noMessagesLeft: true }
      })
      consumer.projector({
        processorId: `counts-${began}`,
        stopAfter: () => ++applied >= events,
        // Its own types do not fit each other under `exactOptionalPropertyTypes`.
        projection: postgreSQLRawSQLProjection<Placed>({
          name: `counts-${began}`,
          canHandle: ['order.placed'],
          evolve: event => countOne(event as unknown as { metadata: { streamName: string } })
        }) as never
      })
      await consumer.start()
      await consumer.close()
      return rate(applied, began)
    },
    analyze: () => pool.query('vacuum analyze'),
    async close() {
      await reading.close()
      await store.close()
      await pool.end()
    }
  }
}

const countOne = ({ metadata }: { metadata: { streamName: string } }) =>
  sql('insert into counts as t values (%L, 1) on conflict (stream) do update set n = t.n + 1', metadata.streamName)

const rate = (count: number, began: number) => (count * 1_000) / (performance.now() - began)
