import { randomUUIDv7 } from 'node:crypto'
import type { Database } from '@plimsoll/database'

/** The floor: the same rows into a table with the same key and the same index of the order, and nothing else. */
export async function openRaw(database: Database) {
  await database.exec(`create schema bench_raw;
    create table bench_raw.events (xid xid8 not null default pg_current_xact_id(),
      position bigint generated always as identity, stream text collate "C" not null, version bigint not null, id uuid not null,
      type text collate "C" not null, schema_version int not null, recorded_at timestamptz not null default clock_timestamp(),
      data jsonb not null, metadata jsonb, primary key (stream, version));
    create index raw_in_order on bench_raw.events (xid, position)`)
  return {
    insertOne: (stream: string, type: string, data: object) =>
      database.query(
        `insert into bench_raw.events (stream, version, id, type, schema_version, data) values ($1, 1, $2, $3, 1, $4)`,
        [stream, randomUUIDv7(), type, data]
      ),
    insertMany: (stream: string, events: readonly { type: string; data: object }[]) =>
      database.query(
        `insert into bench_raw.events (stream, version, id, type, schema_version, data)
         select $1, v, id, type, 1, d::jsonb from unnest($2::int[], $3::uuid[], $4::text[], $5::text[]) u(v, id, type, d)`,
        [
          stream,
          events.map((_, i) => i + 1),
          events.map(() => randomUUIDv7()),
          events.map(({ type }) => type),
          events.map(({ data }) => JSON.stringify(data))
        ]
      )
  }
}
