import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { after, before, describe, it } from 'node:test'
import type { Database } from '@plimsoll/database'
import { openScratch } from '@plimsoll/database/testing'
import { append, headOf, migrateLog, type NewEntry, SharedLog } from '@plimsoll/eventlog'
import { systemClock } from '@plimsoll/resilience'
import { until } from '../conformance/under-test.ts'
import { LogSubscriber } from './subscriber.ts'

const procedure = new URL('./tally-procedure.ts', import.meta.url)
const streams = Array.from({ length: 7 }, () => randomUUID())

describe('a subscriber of a log', () => {
  let log: Database
  let store: Database
  let subscriber: LogSubscriber
  const written: NewEntry[] = []
  before(async () => {
    ;[log, store] = await Promise.all([openScratch(), openScratch()])
    await Promise.all([migrateLog(log), LogSubscriber.migrate(store)])
    await store.exec(`create schema tally;
      create table tally.seen (number bigint generated always as identity, id uuid not null, stream uuid);
      create table tally.moods (type text primary key, mood text not null)`)
    subscriber = new LogSubscriber({
      name: 'tally',
      log: new SharedLog(log),
      store,
      procedure,
      paceMs: 0,
      clock: systemClock
    })
    subscriber.start()
  })
  after(async () => {
    await subscriber.stop()
    await Promise.all([log.close(), store.close()])
  })

  const write = async (...types: string[]) => {
    const entries = types.map((type, i) => ({
      tenant: 't',
      id: randomUUID(),
      type,
      time: 5,
      stream: streams[i % streams.length]!,
      subject: null,
      digest: '1',
      data: null,
      change: null
    }))
    written.push(...entries)
    await log.transaction(tx => append(tx, entries))
    return entries
  }
  const moodOf = (type: string, mood: string) =>
    store.query('insert into tally.moods values ($1, $2) on conflict (type) do update set mood = excluded.mood', [
      type,
      mood
    ])
  const seen = async () =>
    (
      await store.query<{ id: string; stream: string }>(
        'select id::text as id, stream::text as stream from tally.seen order by number'
      )
    ).rows
  const plain = (n: number) => Array.from({ length: n }, () => 'plain')
  /** Everything once, and each stream in the order of the log. */
  const isExact = async (entries: readonly NewEntry[]) => {
    const found = await seen()
    for (const stream of streams) {
      assert.deepEqual(
        found.filter(row => row.stream === stream).map(({ id }) => id),
        entries.filter(entry => entry.stream === stream).map(({ id }) => id)
      )
    }
  }

  it('handles everything once', async () => {
    await write(...plain(500))
    await subscriber.settled()
    await isExact(written)
    assert.deepEqual([subscriber.state.handled, subscriber.state.parkedKeys, subscriber.state.lagMs], [500, 0, 0])
  })

  it('parks an entry that fails and what comes behind it of its key; other keys flow', async () => {
    await moodOf('odd', 'fails')
    await write(...plain(40), 'odd', ...plain(60))
    await subscriber.settled()
    const found = new Set((await seen()).map(({ id }) => id))
    const odd = written.findIndex(({ type }) => type === 'odd')
    const waits = (entry: NewEntry, i: number) => i >= odd && entry.stream === written[odd]!.stream
    for (const [i, entry] of written.entries()) assert.equal(found.has(entry.id), !waits(entry, i))
    assert.equal(subscriber.state.parkedKeys, 1)
    assert.match(subscriber.state.error!, /odd is not liked/)
    await moodOf('odd', 'fine')
    await until('it was tried again by itself', () => subscriber.state.parkedKeys === 0, 30_000)
    await isExact(written)
  })

  it('leaves a dead letter to a person, and goes on behind it in order', async () => {
    await moodOf('bad', 'poison')
    const [, bad] = await write('plain', 'bad', ...plain(20))
    await subscriber.settled()
    const [dead] = await subscriber.deadLetters.list()
    assert.deepEqual([dead!.id, dead!.attempts, dead!.behind], [bad!.id, 1, 2])
    await subscriber.deadLetters.discard(dead!.number, 'a test')
    await until('the rest of the key came', () => subscriber.state.parkedKeys === 0, 30_000)
    await isExact(written.filter(entry => entry !== bad))
    written.splice(written.indexOf(bad!), 1)
  })

  it('waits while the world is at fault: nothing is parked, no try is counted, and nothing is lost', async () => {
    await moodOf('far', 'world')
    await write(...plain(10), 'far', ...plain(10))
    await until('it waits', () => subscriber.state.attempts > 1, 30_000)
    assert.deepEqual([subscriber.state.status, subscriber.state.parkedKeys], ['waiting', 0])
    assert.ok(subscriber.state.lagMs > 0)
    assert.equal(await subscriber.reach(await headOf(log), systemClock.now() + 50), false)
    await moodOf('far', 'fine')
    assert.equal(await subscriber.reach(await headOf(log), systemClock.now() + 30_000), true)
    await until('it runs', () => subscriber.state.status === 'running', 30_000)
    await isExact(written)
  })

  it('rests after a step for as long as its share says, which it asks for each time', async t => {
    const rests: number[] = []
    let ms = 0
    // Each look at this clock is ten milliseconds after the one before, so each step takes ten; a rest is over at once.
    const clock = {
      ...systemClock,
      now() {
        ms += 10
        return ms
      },
      setTimer(fn: () => void, wait: number) {
        rests.push(wait)
        return systemClock.setTimer(fn, 0)
      }
    }
    const shares = [0.1, 0.5]
    const share = () => shares.shift() ?? 1
    const shared = new SharedLog(log)
    const other = new LogSubscriber({
      name: 'budget',
      log: shared,
      store,
      procedure,
      batch: 50,
      paceMs: 0,
      share,
      clock
    })
    t.after(() => other.stop())
    other.start()
    await other.settled()
    assert.ok(other.state.handled > 150, `${other.state.handled} entries are more than three steps`)
    // Behind them comes an entry that fails, and a step that looks for it rests by the failing's share.
    assert.deepEqual(rests.filter(wait => wait > 0).slice(0, 2), [90, 10])
  })
})
