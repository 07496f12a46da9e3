import { randomUUIDv7 } from 'node:crypto'
import { type Database, open } from '@plimsoll/database'
import { EventStore } from '@plimsoll/eventlog'
import { atLeast, type Result, type RunOptions } from './form.ts'
import { startOwnPostgres } from './own-postgres.ts'

/**
 * The event store beside raw inserts of the same row into a table with the same key and index, on one PostgreSQL: the one of
 * PLIMSOLL_DATABASE_URL, or one that is started for the run. In turns, the best of each.
 */
export async function eventlog({ quick, note }: RunOptions): Promise<Result> {
  const given = process.env.PLIMSOLL_DATABASE_URL
  const server = given ? { url: given, stop: () => undefined } : await startOwnPostgres()
  try {
    const database = await open(server.url, { poolSize: 16 })
    try {
      return await measure(database, quick ? 1_000 : 1_500, quick ? 2 : 4, note)
    } finally {
      await database.close()
    }
  } finally {
    server.stop()
  }
}

const raw = `create schema if not exists bench_raw;
  create table if not exists bench_raw.events (xid xid8 not null default pg_current_xact_id(),
    position bigint generated always as identity, stream text collate "C" not null, version bigint not null, id uuid not null,
    type text collate "C" not null, schema_version int not null, recorded_at timestamptz not null default clock_timestamp(),
    data jsonb not null, metadata jsonb, primary key (stream, version));
  create index if not exists raw_in_order on bench_raw.events (xid, position)`

const data = (n: number) => ({
  orderId: n,
  item: 'anchor, 20 kg',
  quantity: 2,
  price: { amount: 49.9, currency: 'EUR' }
})

async function measure(database: Database, turnMs: number, turns: number, note: RunOptions['note']): Promise<Result> {
  await EventStore.migrate(database, 'bench_events')
  await database.exec(raw)
  const store = new EventStore({ database, schema: 'bench_events' })
  let n = 0
  const fresh = () => `order/${randomUUIDv7()}`
  const event = () => ({ type: 'order.placed', data: data(n++) })
  const ways = {
    'raw insert, 16 connections, rows/s': rate(16, 1, async () => {
      await database.query(
        `insert into bench_raw.events (stream, version, id, type, schema_version, data) values ($1, 1, $2, $3, 1, $4)`,
        [fresh(), randomUUIDv7(), 'order.placed', data(n++)]
      )
    }),
    'append one, 16 callers, events/s': rate(16, 1, () => store.append(fresh(), [event()], { expected: 'none' })),
    'append one, 16 callers, a transaction each, events/s': rate(16, 1, () =>
      database.transaction(tx => store.append(fresh(), [event()], { expected: 'none', tx }))
    ),
    'append one, 1 caller, events/s': rate(1, 1, () => store.append(fresh(), [event()], { expected: 'none' })),
    'raw unnest of 100, 4 connections, rows/s': rate(4, 100, async () => {
      const hundred = Array.from({ length: 100 }, () => data(n++))
      await database.query(
        `insert into bench_raw.events (stream, version, id, type, schema_version, data)
         select $1, v, id, type, 1, d::jsonb from unnest($2::int[], $3::uuid[], $4::text[], $5::text[]) u(v, id, type, d)`,
        [
          fresh(),
          hundred.map((_, i) => i + 1),
          hundred.map(() => randomUUIDv7()),
          hundred.map(() => 'order.placed'),
          hundred.map(each => JSON.stringify(each))
        ]
      )
    }),
    'append 100, 4 callers, events/s': rate(4, 100, () =>
      store.append(fresh(), Array.from({ length: 100 }, event), { expected: 'none' })
    )
  }
  const best: Record<string, number> = {}
  for (let turn = 1; turn <= turns; turn++) {
    for (const [name, run] of Object.entries(ways)) {
      best[name] = Math.max(best[name] ?? 0, await run(turnMs))
      note(`turn ${turn}: ${name}: ${Math.round(best[name])}`)
    }
  }
  const long = fresh()
  await store.append(long, Array.from({ length: 1_000 }, event), { expected: 'none' })
  best['read a stream of 1,000, reads/s'] = await rate(1, 1, () => Array.fromAsync(store.readStream(long)))(turnMs)
  await store.close()
  const ratio = (a: keyof typeof ways, b: keyof typeof ways) => best[a]! / best[b]!
  return {
    figures: best,
    aims: [
      atLeast(
        'append one at 16 callers beside a raw insert at 16 connections',
        ratio('append one, 16 callers, events/s', 'raw insert, 16 connections, rows/s'),
        0.7,
        'of raw'
      ),
      atLeast(
        'append 100 beside a raw unnest of 100',
        ratio('append 100, 4 callers, events/s', 'raw unnest of 100, 4 connections, rows/s'),
        0.6,
        'of raw'
      )
    ]
  }
}

/** So many callers, each with one call at a time; what they did in a second. */
function rate(callers: number, weight: number, call: () => Promise<unknown>): (ms: number) => Promise<number> {
  return async ms => {
    const began = performance.now()
    let calls = 0
    await Promise.all(
      Array.from({ length: callers }, async () => {
        while (performance.now() - began < ms) {
          await call()
          calls++
        }
      })
    )
    return (calls * weight * 1_000) / (performance.now() - began)
  }
}
