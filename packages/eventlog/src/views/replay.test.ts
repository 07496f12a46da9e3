import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { type Database, open } from '@plimsoll/database'
import { openScratch, scratchDirectory } from '@plimsoll/database/testing'
import fc from 'fast-check'
import { EventStore } from '../streams/event-store.ts'
import { settled, until } from '../streams/scratch-store.ts'
import type { ViewOptions } from './options.ts'
import { View } from './view.ts'

type Change = { stream: string; add: number; word: string }[]

const histories = fc.sample(
  fc.array(
    fc.array(
      fc.record({
        stream: fc.constantFrom('a/1', 'a/2', 'b/1'),
        add: fc.integer(),
        word: fc.string({ unit: 'grapheme' })
      }),
      {
        minLength: 1,
        maxLength: 6
      }
    ),
    { minLength: 3, maxLength: 25 }
  ),
  { numRuns: 5, seed: 7 }
)

/** A table that would show an event left out, applied twice or in another order. */
const folded = (store: EventStore, over: Partial<ViewOptions>): ViewOptions => ({
  store,
  name: 'folded',
  generation: 1,
  pollMs: 1,
  create: table =>
    `create table ${table} (stream text collate "C" primary key, chain text not null, last jsonb not null)`,
  apply: (tx, table, { stream, version, data }) =>
    tx.query(
      `insert into ${table} as t values ($1, md5($2::text || $3), $3::jsonb) on conflict (stream)
       do update set chain = md5(t.chain || $2::text || $3), last = $3::jsonb`,
      [stream, version, JSON.stringify(data)]
    ),
  ...over
})

const storable = (text: string) => text.replaceAll('\0', '')

/** Writes a history while a view follows it, then replays it from zero; the hash of all bytes of the table, of each. */
async function hashes(database: Database, schema: string, history: readonly Change[]): Promise<string[]> {
  await EventStore.migrate(database, schema)
  const store = new EventStore({ database, schema })
  const hash = async () => {
    const { rows } = await database.query<{ hash: string }>(
      `select md5(string_agg(t::text, '|' order by stream)) as hash from "${schema}".folded t`
    )
    return rows[0]!.hash
  }
  const view = new View(folded(store, { batch: 3 }))
  view.start()
  let count = 0
  for (const change of history) {
    const byStream = Map.groupBy(change, ({ stream }) => stream)
    await store.appendAll(
      [...byStream].map(([stream, changes]) => ({
        stream,
        expected: 'any' as const,
        events: changes.map(({ add, word }) => ({ type: 'changed', data: { add, word: storable(word) } }))
      }))
    )
    count += change.length
  }
  await until(() => view.state.applied === count)
  const live = await hash()
  await view.stop()
  await settled(store)
  const replay = new View(folded(store, { generation: 2, batch: 500 }))
  replay.start()
  await until(() => replay.state.live)
  const replayed = await hash()
  await replay.stop()
  await store.close()
  return [live, replayed]
}

describe('a replay from zero', () => {
  it('gives the same bytes as the view that followed the writes, for any history, and on every engine', async t => {
    const databases = [await openScratch()]
    if (process.env.PLIMSOLL_DATABASE_URL) {
      const directory = await scratchDirectory()
      const embedded = await open(directory.url)
      databases.push(Object.assign(embedded, { url: directory.url }))
      t.after(async () => {
        await embedded.close()
        await directory.remove()
      })
    }
    t.after(() => databases[0]!.close())
    for (const [n, history] of histories.entries()) {
      const all = await Promise.all(databases.map(database => hashes(database, `history_${n}`, history)))
      assert.deepEqual(new Set(all.flat()).size, 1, `history ${n}: ${all.join(' ')}`)
    }
  })
})
