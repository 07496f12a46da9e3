import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import type { Answer } from './answer.ts'
import { LeaseLostError } from './errors.ts'
import { idempotent } from './idempotent.ts'
import type { Claim, IdempotencyStore, Lease, Reservation } from './store.ts'

/** A store under test, with a change that a handler can make and a way to count it. */
export interface StoreUnderTest<Tx> {
  store: IdempotencyStore<Tx>
  /** Makes a change named `name`, in `tx` where the store gives one. */
  change(tx: Tx, name: string): Promise<void>
  /** How many changes of that name are there to see. */
  changes(name: string): Promise<number>
  close(): Promise<void>
}

export interface Capabilities {
  /** A handler's change goes when its answer is not kept or its lease was lost. */
  atomic: boolean
  /** `sweep` removes what is past its time; `false` where the engine does so by itself. */
  sweeps: boolean
}

/**
 * What every store must do, and its capabilities, true ones and false ones. `open` gives an empty store that takes its
 * time from `now`, in milliseconds since 1970; the suite closes it.
 */
export function idempotencyConformance<Tx>(
  name: string,
  capabilities: Capabilities,
  open: (now: () => number) => Promise<StoreUnderTest<Tx>>
): void {
  describe(`idempotency store conformance: ${name}`, () => {
    let time = Date.UTC(2026, 0, 1)
    let under: StoreUnderTest<Tx>
    let store: IdempotencyStore<Tx>
    before(async () => {
      under = await open(() => time)
      store = under.store
    })
    after(() => under.close())

    let keys = 0
    const claim = (over: Partial<Claim> = {}): Claim => ({
      tenant: 'acme',
      route: '/orders',
      key: `key-${++keys}`,
      fingerprint: 'v1:a',
      leaseMs: 1_000,
      ttlMs: 60_000,
      ...over
    })
    const answer: Answer = { status: 201, headers: { location: '/orders/1' }, body: Buffer.from([0, 255, 10, 34]) }
    const start = async (wanted: Claim): Promise<Lease> => started(await store.reserve(wanted))
    const settle = (lease: Lease, change: string, kept = answer) =>
      store.settle(lease, 60_000, async tx => {
        await under.change(tx, change)
        return kept
      })
    const undone = capabilities.atomic ? 0 : 1

    it('says what it can', () => assert.equal(store.atomic, capabilities.atomic))

    it('starts once, is in flight until it is settled, and then replays byte for byte', async () => {
      const wanted = claim()
      const lease = await start(wanted)
      assert.equal(lease.attempt, 1)
      time += 400
      assert.deepEqual(await store.reserve(wanted), { kind: 'in-flight', leftMs: 600 })
      await settle(lease, wanted.key)
      assert.deepEqual(await store.reserve(wanted), { kind: 'replay', answer })
      time += 59_999
      assert.deepEqual(await store.reserve(wanted), { kind: 'replay', answer })
      assert.equal(await under.changes(wanted.key), 1)
    })

    it('lets exactly one of many start', async () => {
      const wanted = claim()
      const kinds = (await Promise.all(Array.from({ length: 20 }, () => store.reserve(wanted)))).map(({ kind }) => kind)
      assert.deepEqual(kinds.toSorted(), [...Array(19).fill('in-flight'), 'started'])
    })

    it('refuses another fingerprint while it runs, when it crashed, and when it is kept', async () => {
      const wanted = claim()
      const other = { ...wanted, fingerprint: 'v1:b' }
      const lease = await start(wanted)
      assert.deepEqual(await store.reserve(other), { kind: 'mismatch' })
      time += 1_000
      assert.deepEqual(await store.reserve(other), { kind: 'mismatch' })
      await settle(lease, wanted.key)
      assert.deepEqual(await store.reserve(other), { kind: 'mismatch' })
    })

    it('keeps tenants, routes and keys apart', async () => {
      const wanted = claim({ tenant: 'a', route: 'b', key: `c${++keys}` })
      const fences = [
        await start(wanted),
        await start({ ...wanted, tenant: 'z' }),
        await start({ ...wanted, route: 'z' }),
        await start({ ...wanted, key: `z${keys}` })
      ].map(({ fence }) => fence)
      assert.equal(fences.length, 4)
    })

    it('gives an expired lease to the next with a higher fence, and not a moment before', async () => {
      const wanted = claim()
      const crashed = await start(wanted)
      time += 999
      assert.equal((await store.reserve(wanted)).kind, 'in-flight')
      time += 1
      const next = await start(wanted)
      assert.ok(next.fence > crashed.fence)
      assert.equal(next.attempt, 2)
      assert.equal((await store.reserve(wanted)).kind, 'in-flight')
    })

    it('renews what is held, and nothing else', async () => {
      const wanted = claim()
      const lease = await start(wanted)
      time += 900
      assert.equal(await store.renew(lease, 1_000), true)
      time += 900
      assert.deepEqual(await store.reserve(wanted), { kind: 'in-flight', leftMs: 100 })
      time += 100
      const next = await start(wanted)
      assert.equal(await store.renew(lease, 1_000), false)
      await settle(next, wanted.key)
      assert.equal(await store.renew(next, 1_000), false)
    })

    it('refuses a late owner, and undoes its change if it is atomic', async () => {
      const wanted = claim()
      const late = await start(wanted)
      time += 1_000
      const next = await start(wanted)
      await assert.rejects(settle(late, `${wanted.key} late`), LeaseLostError)
      await settle(next, wanted.key)
      await assert.rejects(settle(late, `${wanted.key} later`), LeaseLostError)
      assert.equal(await under.changes(wanted.key), 1)
      assert.equal(await under.changes(`${wanted.key} late`), undone)
      assert.equal(await under.changes(`${wanted.key} later`), undone)
      assert.deepEqual(await store.reserve(wanted), { kind: 'replay', answer })
    })

    it('takes the answer of an owner whose lease ran out while nobody else came', async () => {
      const wanted = claim()
      const lease = await start(wanted)
      time += 5_000
      await settle(lease, wanted.key)
      assert.deepEqual(await store.reserve(wanted), { kind: 'replay', answer })
    })

    it('frees what was released for any request, with a fence that was never given', async () => {
      const wanted = claim()
      const lease = await start(wanted)
      await store.release(lease)
      assert.equal(await store.renew(lease, 1_000), false)
      await assert.rejects(settle(lease, wanted.key), LeaseLostError)
      const next = await start({ ...wanted, fingerprint: 'v1:b' })
      assert.ok(next.fence > lease.fence)
      assert.equal(next.attempt, 1)
      await store.release(lease)
      assert.equal((await store.reserve({ ...wanted, fingerprint: 'v1:b' })).kind, 'in-flight')
    })

    it('undoes the change of work that throws, if it is atomic', async () => {
      const wanted = claim()
      const lease = await start(wanted)
      const failing = store.settle(lease, 60_000, async tx => {
        await under.change(tx, wanted.key)
        throw new Error('declined')
      })
      await assert.rejects(failing, /declined/)
      assert.equal(await under.changes(wanted.key), undone)
      assert.equal((await store.reserve(wanted)).kind, 'in-flight')
    })

    it('does the same without a key', async () => {
      const name = `no key ${++keys}`
      const failing = store.transaction(async tx => {
        await under.change(tx, name)
        throw new Error('declined')
      })
      await assert.rejects(failing, /declined/)
      assert.equal(await under.changes(name), undone)
      assert.equal(await store.transaction(async () => 7), 7)
    })

    it('forgets what is past its time, and sweeps it in bounded batches', async () => {
      const wanted = [claim(), claim(), claim()]
      for (const each of wanted) await settle(await start(each), each.key)
      const running = claim({ ttlMs: 120_000 })
      await start(running)
      time += 60_000
      assert.equal((await start(wanted[0]!)).attempt, 1)
      if (!capabilities.sweeps) return assert.equal(await store.sweep({ limit: 2 }), 0)
      while ((await store.sweep({ limit: 1_000 })) > 0);
      for (const each of [claim(), claim(), claim()]) await settle(await start(each), each.key)
      time += 60_000
      assert.deepEqual(
        [await store.sweep({ limit: 2 }), (await store.sweep({ limit: 2 })) > 0, await store.sweep({ limit: 1_000 })],
        [2, true, 1]
      )
      assert.equal(await store.sweep({ limit: 10 }), 0)
    })

    it('runs a handler once for many callers, who all get its answer', async () => {
      const guard = idempotent(store, { leaseMs: 1_000 })
      const key = `many-${++keys}`
      const request = { tenant: 'acme', route: '/orders', method: 'POST', key, body: { n: 1 } }
      const call = () =>
        guard.run(request, async tx => {
          await under.change(tx, key)
          return { status: 201, body: { order: key } }
        })
      const outcomes = await Promise.allSettled(Array.from({ length: 20 }, call))
      const firsts = outcomes.filter(({ status }) => status === 'fulfilled')
      assert.ok(firsts.length >= 1)
      for (const outcome of outcomes) {
        if (outcome.status === 'rejected') assert.equal(outcome.reason.code, 'IDEMPOTENCY_IN_FLIGHT')
      }
      const again = await Promise.all(Array.from({ length: 20 }, call))
      for (const { answer, replayed } of again) {
        assert.equal(replayed, true)
        assert.equal(answer.body.toString(), `{"order":"${key}"}`)
      }
      assert.equal(await under.changes(key), 1)
    })
  })
}

function started(reservation: Reservation): Lease {
  assert.equal(reservation.kind, 'started')
  return (reservation as Extract<Reservation, { kind: 'started' }>).lease
}
