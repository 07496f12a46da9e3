import assert from 'node:assert/strict'
import { randomUUIDv7 } from 'node:crypto'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import type { StartedPlatform } from '@plimsoll/bench'
import { newHome } from './home.ts'

interface Month {
  sessions: number
  invoice: object
  corrections: { entries: number }
  freshness: { complete: boolean }
}

/** The last day of the month before, UTC: over, and not too late to be sent. */
function lastMonth(): { month: string; time: string } {
  const time = new Date()
  time.setUTCDate(0)
  time.setUTCHours(12, 0, 0, 0)
  return { month: time.toISOString().slice(0, 7), time: time.toISOString() }
}

// On a server both stores may be one database: there is no folder to remove.
if (!process.env.PLIMSOLL_DATABASE_URL) {
  test('with the read store removed, the platform starts again, and invoices are what they were', async t => {
    const home = await newHome()
    let platform: StartedPlatform | undefined = await home.start()
    t.after(async () => {
      await platform?.stop()
      await home.remove()
    })
    const { month, time } = lastMonth()
    const key = await platform.createKey('shop')
    const send = async (count: number) => {
      const events = Array.from({ length: count }, () => {
        const session = { id: randomUUIDv7() }
        return { id: randomUUIDv7(), type: 'session.start', time, user: { id: 'ann' }, session }
      })
      const response = await fetch(`${platform!.url}/v1/events`, {
        method: 'POST',
        headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
        body: JSON.stringify(events)
      })
      const { results } = (await response.json()) as { results: { result: string }[] }
      assert.deepEqual([...new Set(results.map(({ result }) => result))], ['accepted'])
    }
    const path = `/v1/billing/shop/${month}`
    const told = async () => ({
      month: await platform!.get<Month>(`${path}?consistency=billing`),
      lines: (await platform!.get<{ entries: object[] }>(`${path}/entries`)).entries
    })
    await send(3)
    const headers = { authorization: `Bearer ${platform.adminToken}` }
    const invoiced = await fetch(`${platform.url}${path}/invoice`, { method: 'POST', headers })
    assert.equal(invoiced.status, 201)
    await send(2)
    const before = await told()
    assert.deepEqual([before.month.sessions, before.month.corrections.entries, before.lines.length], [5, 2, 3])
    await platform.stop({ keepData: true })
    platform = undefined

    await rm(join(home.data, 'read'), { recursive: true })
    platform = await home.start()
    const after = await told()
    assert.deepEqual(after.lines, before.lines)
    assert.deepEqual({ ...after.month, freshness: 0 }, { ...before.month, freshness: 0 })
    assert.equal(after.month.freshness.complete, true)
  })
}
