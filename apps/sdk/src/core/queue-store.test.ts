import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { bytesOf } from './limits.ts'
import type { Counts } from './ports.ts'
import { type Journal, type QueueStore, queueStore } from './queue-store.ts'

const limits = { events: 20, bytes: 2_000 }
const now = () => Date.UTC(2026, 0, 1)

/** Lines in memory: what a file would hold. */
function lines(): Journal & { kept: string[] } {
  const journal = {
    kept: [] as string[],
    get size() {
      return bytesOf(journal.kept.join('\n'))
    },
    append: (line: string) => void journal.kept.push(line),
    replace(next: readonly string[]) {
      journal.kept = [...next]
    },
    erase() {
      journal.kept = []
    },
    close: () => undefined
  }
  return journal
}

const event = (id: string, size = 10) => ({ id, body: JSON.stringify({ id, x: 'ü'.repeat(size) }) })
const everything = async (store: QueueStore) => ({
  books: structuredClone(store.books),
  events: await store.read(1_000, 1e9),
  losses: await store.losses()
})
const total = (losses: Counts) => Object.values(losses).reduce((sum, count) => sum + count, 0)

const step = fc.oneof(
  { weight: 5, arbitrary: fc.record({ do: fc.constant('add' as const), size: fc.integer({ min: 0, max: 200 }) }) },
  fc.record({ do: fc.constant('settle' as const), count: fc.integer({ min: 1, max: 5 }), lost: fc.boolean() }),
  fc.record({ do: fc.constant('settle-again' as const) }),
  fc.record({ do: fc.constant('lose' as const), reason: fc.constantFrom('a', 'b') }),
  fc.record({ do: fc.constant('report' as const) }),
  fc.record({ do: fc.constant('acknowledge' as const) })
)

test('whatever happens: nothing is uncounted, the bounds hold, and the journal makes the same queue again', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 80 }), async steps => {
      const journal = lines()
      const store = queueStore({ limits, now, journal })
      let ids = 0
      const went = { in: 0, delivered: 0, lost: 0, told: 0 }
      let last: string[] = []
      for (const step of steps) {
        if (step.do === 'add') {
          went.in++
          await store.add(event(`id-${++ids}`, step.size))
        } else if (step.do === 'settle') {
          const batch = await store.read(step.count, 1_000)
          last = batch.map(({ id }) => id)
          await store.settle(last.map(id => (step.lost ? [id, 'rejected:x'] : [id])))
          if (!step.lost) went.delivered += batch.length
        } else if (step.do === 'settle-again') {
          await store.settle(last.map(id => [id, 'rejected:again']))
        } else if (step.do === 'lose') {
          went.lost++
          await store.lose({ [step.reason]: 1 })
        } else if (step.do === 'report') {
          const first = await store.report(`report-${++ids}`)
          assert.deepEqual(await store.report('another'), first, 'it keeps its id')
        } else {
          const { report } = store.books
          if (!report) continue
          went.told += total(report.losses)
          await store.acknowledge('not this one')
          await store.acknowledge(report.id)
          await store.acknowledge(report.id)
        }
        assert.ok(store.books.events <= limits.events && store.books.bytes <= limits.bytes)
        assert.equal(went.in + went.lost, went.delivered + went.told + store.books.events + total(await store.losses()))
      }
      const again = queueStore({ limits, now, journal: lines() })
      again.restore([...journal.kept, '+{"id":"to'])
      assert.deepEqual(await everything(again), await everything(store))
    })
  )
})

test('the journal does not grow with what is gone', async () => {
  const journal = lines()
  const store = queueStore({ limits: { events: 1_000, bytes: 1e7 }, now, journal })
  await store.add(event('stays'))
  for (let n = 0; n < 100; n++) {
    await store.add(event(`${n}`, 10_000))
    await store.settle([[`${n}`]])
    assert.ok(journal.size < 1_100_000)
  }
  const again = queueStore({ limits, now, journal: lines() })
  again.restore(journal.kept)
  assert.deepEqual(await everything(again), await everything(store))
  await store.settle([['stays']])
  assert.equal(journal.size, 0)
})

test('a change that cannot be written is not made', async () => {
  const journal = lines()
  const store = queueStore({ limits, now, journal })
  await store.add(event('a'))
  const before = await everything(store)
  journal.append = () => {
    throw new Error('the disk is full')
  }
  await assert.rejects(store.add(event('b')))
  await assert.rejects(store.settle([['a', 'x']]))
  await assert.rejects(store.lose({ x: 1 }))
  assert.deepEqual(await everything(store), before)
})

test('more reasons than a report may have are counted together', async () => {
  const store = queueStore({ limits, now })
  for (let n = 0; n < 100; n++) await store.lose({ [`r${n}`]: 1 })
  const { losses } = (await store.report('id'))!
  assert.equal(Object.keys(losses).length, 50)
  assert.equal(losses.other, 51)
})
