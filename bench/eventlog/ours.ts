import { decider, type EventStore, fold, View, type ViewOptions } from '@plimsoll/eventlog'

/** Reads the log from its beginning, so many events at least; events a second. */
export async function catchUp(store: EventStore, events: number): Promise<number> {
  let read = 0
  const began = performance.now()
  for await (const page of store.subscribe({ batch: 1_000 })) {
    read += page.events.length
    if (read >= events) break
  }
  return perSecond(read, began)
}

const counting: Record<'apply' | 'applyAll', Pick<ViewOptions, 'apply' | 'applyAll'>> = {
  apply: {
    apply: (tx, table, { stream }) =>
      tx.query(`insert into ${table} as t values ($1, 1) on conflict (stream) do update set n = t.n + 1`, [stream])
  },
  applyAll: {
    applyAll: (tx, table, events) =>
      tx.query(
        `insert into ${table} as t select stream, count(*) from unnest($1::text[]) e(stream) group by stream
         on conflict (stream) do update set n = t.n + excluded.n`,
        [events.map(({ stream }) => stream)]
      )
  }
}

let views = 0

/** Counts the log's events by stream into a table, one statement an event or one a page; events a second. */
export async function project(store: EventStore, events: number, form: 'apply' | 'applyAll'): Promise<number> {
  const view = new View({
    store,
    name: `counts_${++views}`,
    generation: 1,
    batch: 1_000,
    create: table => `create table ${table} (stream text primary key, n int not null)`,
    ...counting[form]
  })
  const began = performance.now()
  view.start()
  while (view.state.applied < events && !view.state.stopped) await new Promise(resolve => setTimeout(resolve, 5))
  const { applied, stopped } = view.state
  const rate = perSecond(applied, began)
  await view.stop()
  if (stopped) throw stopped
  return rate
}

/** Milliseconds for the state of a long stream, 99 events after its last snapshot: the most there are, by default. */
export async function stateOfLongStream(
  store: EventStore,
  length: number
): Promise<{ without: number; median: number; p95: number }> {
  const placed = decider<{ orders: number }, never, { type: string; data: unknown }>({
    initial: { orders: 0 },
    decide: () => [],
    evolve: ({ orders }) => ({ orders: orders + 1 })
  })
  const stream = 'long/1'
  const event = { type: 'order.placed', data: { item: 'anchor, 20 kg' } }
  for (let left = length; left > 0; left -= 10_000) {
    await store.append(stream, new Array(Math.min(left, 10_000)).fill(event), { expected: 'any' })
  }
  const snapshots = { name: 'orders', shape: '1' }
  await fold(placed, store, stream, { snapshots })
  await store.append(stream, new Array(99).fill(event), { expected: 'any' })
  const timed = async (options: Parameters<typeof fold>[3]) => {
    const began = performance.now()
    const { state } = await fold(placed, store, stream, options)
    if (state.orders !== length + 99) throw new Error(`the state has ${state.orders} orders`)
    return performance.now() - began
  }
  const without = await timed({})
  const times = []
  for (let i = 0; i < 50; i++) times.push(await timed({ snapshots }))
  times.sort((a, b) => a - b)
  return { without, median: times[25]!, p95: times[47]! }
}

/** Milliseconds to read all of a category that has an event at either end of the log. */
export async function readRareCategory(store: EventStore): Promise<number> {
  const began = performance.now()
  const events = await Array.fromAsync(store.readAll({ category: 'rare' }))
  if (events.length !== 2) throw new Error(`the rare category has ${events.length} events`)
  return performance.now() - began
}

const perSecond = (count: number, began: number) => (count * 1_000) / (performance.now() - began)
