import assert from 'node:assert/strict'
import { randomUUIDv7 } from 'node:crypto'
import { after, before, describe, it } from 'node:test'
import { type RunningTelemetry, runTelemetry, type SendOptions } from './testing.ts'

const report = (over: object = {}) => ({
  id: randomUUIDv7(),
  since: '2026-01-01T00:00:00.000Z',
  until: '2026-01-01T01:00:00.000Z',
  losses: { queue_full: 2 },
  ...over
})

describe('what clients say they lost', () => {
  let run: RunningTelemetry
  before(async () => {
    run = await runTelemetry()
  })
  after(() => run.close())
  const post = (body: unknown, options: SendOptions = {}) => run.send('POST', '/v1/losses', { body, ...options })
  const ledger = async (project = 'shop') =>
    (await run.send('GET', '/v1/ledger', { headers: { 'x-plimsoll-project': project } })).body

  it('is added up by reason and shown in the books, which it does not change', async () => {
    const before = await ledger()
    assert.deepEqual(before.clientLosses, {})
    const first = await post(report({ losses: { queue_full: 2, 'rejected:invalid_event': 1 } }))
    assert.deepEqual([first.status, first.body], [200, { result: 'accepted' }])
    await post(report({ losses: { queue_full: 1_000_000_000 } }))
    const { clientLosses, received } = await ledger()
    assert.deepEqual(clientLosses, { queue_full: 1_000_000_002, 'rejected:invalid_event': 1 })
    assert.equal(received, before.received)
  })

  it('is added once, however often a report comes and however many at a time', async () => {
    const key = (await run.telemetry.keys.create('once')).token
    const one = report()
    const answers = await Promise.all(Array.from({ length: 8 }, () => post(one, { token: key })))
    const results = answers.map(({ body }) => body.result).sort()
    assert.deepEqual(results, ['accepted', ...Array.from({ length: 7 }, () => 'duplicate')])
    assert.deepEqual((await ledger('once')).clientLosses, { queue_full: 2 })
  })

  it('is a project’s own: another may use the same report id', async () => {
    const one = report()
    const keys = [await run.telemetry.keys.create('left'), await run.telemetry.keys.create('right')]
    for (const { token } of keys) assert.deepEqual((await post(one, { token })).body, { result: 'accepted' })
    assert.deepEqual((await ledger('left')).clientLosses, { queue_full: 2 })
    assert.deepEqual((await ledger('right')).clientLosses, { queue_full: 2 })
  })

  it('is bounded', async () => {
    const reasons = (count: number) => Object.fromEntries(Array.from({ length: count }, (_, n) => [`r${n}`, 1]))
    for (const bad of [
      report({ id: 'seven' }),
      report({ since: 'yesterday' }),
      report({ losses: {} }),
      report({ losses: reasons(51) }),
      report({ losses: { 'Not A Reason': 1 } }),
      report({ losses: { ['x'.repeat(65)]: 1 } }),
      report({ losses: { x: -1 } }),
      report({ losses: { x: 1_000_000_001 } }),
      report({ losses: { x: 1.5 } }),
      report({ more: 1 })
    ]) {
      const { status, text } = await post(bad)
      assert.equal(status, 400, `${JSON.stringify(bad).slice(0, 200)} → ${text}`)
    }
    assert.equal((await post(report({ losses: reasons(50) }))).status, 200)
    assert.equal((await post(report(), { token: null })).status, 401)
  })
})
