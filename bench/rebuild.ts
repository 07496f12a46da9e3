import { type Database, open } from '@plimsoll/database'
import { EventStore, View, type ViewOptions } from '@plimsoll/eventlog'
import { atLeast, atMost, type Result, type RunOptions } from './form.ts'
import { startOwnPostgres } from './own-postgres.ts'

/**
 * A view over a large log is built anew while the old generation is read and events are written, on a PostgreSQL of its own:
 * how fast, what its progress said, what readers saw, and whether the new one is right to the byte.
 */
export async function rebuild({ quick, note }: RunOptions): Promise<Result> {
  const server = await startOwnPostgres()
  try {
    const database = await open(server.url, { poolSize: 12 })
    try {
      return await measure(database, quick ? 200_000 : 5_000_000, note)
    } finally {
      await database.close()
    }
  } finally {
    server.stop()
  }
}

const streams = 20_000
const chunk = 250_000
const readsPerSecond = 50
const writesPerSecond = 200

const totals = (store: EventStore, generation: number): ViewOptions => ({
  store,
  name: 'totals',
  generation,
  category: 'account',
  batch: 10_000,
  create: table =>
    `create table ${table} (stream text collate "C" primary key, n bigint not null, amount bigint not null)`,
  applyAll: (tx, table, events) =>
    tx.query(
      `insert into ${table} as t select stream, count(*), sum(amount) from unnest($1::text[], $2::bigint[]) e(stream, amount)
       group by stream on conflict (stream) do update set n = t.n + excluded.n, amount = t.amount + excluded.amount`,
      [events.map(({ stream }) => stream), events.map(({ data }) => (data as { amount: number }).amount)]
    )
})

async function measure(database: Database, events: number, note: RunOptions['note']): Promise<Result> {
  await EventStore.migrate(database)
  const store = new EventStore({ database })
  await load(database, events, note)
  const old = await liveView(database, store)
  const world = new World(database, store, events)
  world.begin()

  const next = new View(totals(store, 2))
  const began = performance.now()
  next.start()
  const guesses: { done: number; guessed: number }[] = []
  let [level, due] = [Number.NaN, 1_000]
  while (!next.state.live && !next.state.stopped) {
    await pause(10)
    const ms = performance.now() - began
    // What was there at the beginning is applied; what is left was written meanwhile.
    if (next.state.applied >= events && Number.isNaN(level)) level = ms / 1_000
    if (ms < due) continue
    due = ms + 1_000
    const { applied, perSecond, remaining, secondsLeft = 0 } = await next.progress()
    guesses.push({ done: applied / (applied + remaining), guessed: ms / 1_000 + secondsLeft })
    if (guesses.length % 5 === 1) {
      note(`${applied} applied, ${Math.round(perSecond)}/s, ${remaining} left, ${secondsLeft.toFixed(0)} s`)
    }
  }
  const seconds = (performance.now() - began) / 1_000
  if (Number.isNaN(level)) level = seconds
  const rebuilt = next.state
  if (rebuilt.stopped) throw rebuilt.stopped
  await pause(1_000)
  await world.end()
  while (!next.state.caughtUp || (await store.countBehind(next.state.cursor)) > 0) await pause(50)
  const equal = await sameAsTheLog(database)
  await Promise.all([next.stop(), old.stop()])
  await store.close()

  const half = guesses.find(({ done }) => done >= 0.5)
  const { reads, failed, empty, times, written } = world
  times.sort((a, b) => a - b)
  const p99 = times[Math.floor(times.length * 0.99)] ?? Number.NaN
  return {
    figures: {
      events,
      rebuildSeconds: seconds,
      eventsPerSecond: rebuilt.applied / seconds,
      guessedAtHalfSeconds: half?.guessed ?? null,
      levelToSwapSeconds: seconds - level,
      writtenMeanwhile: written,
      reads,
      readP99Ms: p99,
      longestReadMs: times.at(-1)
    },
    aims: [
      atMost('reads that failed', failed, 0, 'reads'),
      atMost('reads that found less than was there', empty, 0, 'reads'),
      atLeast('reads meanwhile', reads, quickest(seconds), 'reads'),
      atMost('longest read, the swap included', times.at(-1) ?? Number.NaN, 1_000, 'ms'),
      atMost('from the last event that was there to the swap, under writes', seconds - level, 10, 's'),
      atLeast('rebuilt as the log says, to the byte', equal ? 1 : 0, 1, 'yes')
    ]
  }
}

/** Half of what is asked for, so that a machine in use does not spoil the run. */
const quickest = (seconds: number) => Math.floor((seconds * readsPerSecond) / 2)

/** The log, by plain statements: appending it would take longer than what is measured. */
async function load(database: Database, events: number, note: RunOptions['note']): Promise<void> {
  for (let from = 0; from < events; from += chunk) {
    const to = Math.min(from + chunk, events) - 1
    await database.transaction(
      async tx => {
        await tx.query(
          `insert into events.events (xid, stream, version, id, type, schema_version, recorded_at, data)
           select pg_current_xact_id(), 'account/' || (i % $3), i / $3 + 1, gen_random_uuid(), 'paid', 1, now(),
             jsonb_build_object('amount', i * 7919 % 1000, 'note', 'for anchors')
           from generate_series($1::bigint, $2::bigint) i order by i`,
          [from, to, streams]
        )
        await tx.query(`insert into events.categories values ('account', pg_current_xact_id())`)
      },
      { statementTimeoutMs: Number.POSITIVE_INFINITY }
    )
    note(`loaded ${to + 1}`)
  }
  await database.transaction(
    async tx => {
      await tx.exec(
        `insert into events.streams select stream, max(version), max(xid) from events.events group by stream`
      )
    },
    { statementTimeoutMs: Number.POSITIVE_INFINITY }
  )
}

/** The old generation, filled by one statement and told that it has come so far. */
async function liveView(database: Database, store: EventStore): Promise<View> {
  const first = new View(totals(store, 1))
  first.start()
  while (!first.state.live) await pause(10)
  await first.stop()
  const end = await store.cutAt()
  await database.transaction(
    async tx => {
      await tx.exec(`truncate events.totals_1; insert into events.totals_1
        select stream, count(*), sum((data->>'amount')::bigint) from events.events group by stream`)
      await tx.query(`update events.view_generations set xid = $1, position = $2 where name = 'totals'`, [
        end.xid,
        end.position
      ])
    },
    { statementTimeoutMs: Number.POSITIVE_INFINITY }
  )
  const view = new View(totals(store, 1))
  view.start()
  return view
}

/** Who reads and writes meanwhile. */
class World {
  readonly #database: Database
  readonly #store: EventStore
  readonly #least: number
  #over = false
  #running: Promise<unknown> | undefined
  reads = 0
  failed = 0
  empty = 0
  written = 0
  times: number[] = []

  constructor(database: Database, store: EventStore, events: number) {
    this.#database = database
    this.#store = store
    this.#least = Math.min(streams, events)
  }

  begin(): void {
    this.#running = Promise.all([
      this.#each(1_000 / readsPerSecond, () => this.#read()),
      this.#each(1_000 / readsPerSecond, () => this.#read()),
      this.#each(10_000 / writesPerSecond, () => this.#write())
    ])
  }

  async end(): Promise<void> {
    this.#over = true
    await this.#running
  }

  async #each(ms: number, work: () => Promise<void>): Promise<void> {
    for (let due = performance.now(); !this.#over; due += ms) {
      await pause(Math.max(0, due - performance.now()))
      await work()
    }
  }

  /** One account, and now and then how many there are: a reader of half a view would see fewer. */
  async #read(): Promise<void> {
    const began = performance.now()
    try {
      const all = this.reads++ % 50 === 0
      const { rows } = all
        ? await this.#database.query<{ n: number }>('select count(*)::int as n from events.totals')
        : await this.#database.query<{ n: number }>('select n from events.totals where stream = $1', [
            `account/${Math.floor(Math.random() * this.#least)}`
          ])
      if (!rows[0] || rows[0].n < (all ? this.#least : 1)) this.empty++
    } catch {
      this.failed++
    }
    this.times.push(performance.now() - began)
  }

  async #write(): Promise<void> {
    const stream = `account/${Math.floor(Math.random() * this.#least)}`
    const events = Array.from({ length: 10 }, () => ({ type: 'paid', data: { amount: 1 } }))
    await this.#store.append(stream, events, { expected: 'any' })
    this.written += events.length
  }
}

async function sameAsTheLog(database: Database): Promise<boolean> {
  const hash = (from: string) => `select md5(string_agg(t::text, '|' order by stream)) from (${from}) t`
  return database.transaction(
    async tx => {
      const { rows } = await tx.query<{ same: boolean }>(
        `select (${hash('select stream, n, amount from events.totals')}) = (${hash(
          `select stream, count(*) as n, sum((data->>'amount')::bigint)::bigint as amount from events.events group by stream`
        )}) as same`
      )
      return rows[0]!.same
    },
    { statementTimeoutMs: Number.POSITIVE_INFINITY }
  )
}

const pause = (ms: number) => new Promise<void>(resolve => setTimeout(resolve, ms))
