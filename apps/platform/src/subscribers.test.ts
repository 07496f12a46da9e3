import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { test } from 'node:test'
import { openScratch } from '@plimsoll/database/testing'
import { append, headOf, migrateLog, SharedLog } from '@plimsoll/eventlog'
import { createServer } from '@plimsoll/http'
import { Compile } from 'typebox/compile'
import { type Standing, Subscribers, subscriberMetrics, subscribersRoute } from './subscribers.ts'
import { SubscribersAnswer } from './subscribers-contract.ts'

test('how subscribers stand is told to who may know, also while the log is away', async t => {
  const log = await openScratch()
  await migrateLog(log)
  const entry = { tenant: 't', type: 'x', time: 1, stream: null, subject: null, digest: '1', data: null, change: null }
  await log.transaction(tx =>
    append(
      tx,
      [1, 2, 3].map(() => ({ ...entry, id: randomUUID() }))
    )
  )
  const { xid, position } = await headOf(log)
  const states: Record<string, Standing['state']> = {
    well: { cursor: { xid, position }, lagMs: 0, status: 'running', attempts: 0, parkedKeys: 2, error: 'not this one' },
    late: { cursor: { xid, position: position - 2 }, lagMs: 30_000, failures: 0 },
    away: {
      cursor: { xid: '0', position: 0 },
      lagMs: 5_000,
      status: 'waiting',
      attempts: 4,
      parkedKeys: 0,
      error: 'gone'
    },
    over: { cursor: { xid, position }, lagMs: 0, status: 'stopped' }
  }
  const subscribers = new Subscribers(log, new SharedLog(log))
  for (const [name, state] of Object.entries(states)) subscribers.watch(name, { state })
  const app = await createServer({ title: 'Subscribers', version: '1' })
  await app.register(async scope =>
    subscribersRoute(scope, subscribers, { adminToken: 'secret', isSignedIn: () => false })
  )
  t.after(() => app.close())
  const ask = (headers: Record<string, string> = {}) => app.inject({ url: '/v1/subscribers', headers })

  assert.deepEqual([(await ask()).statusCode, (await ask({ authorization: 'Bearer other' })).statusCode], [401, 401])
  const answer = (await ask({ authorization: 'Bearer secret' })).json() as SubscribersAnswer
  assert.ok(Compile(SubscribersAnswer).Check(answer))
  assert.deepEqual(
    answer.subscribers.map(({ name, state, behind, attempts, parkedKeys, error }) => [
      name,
      state,
      behind,
      attempts,
      parkedKeys,
      error
    ]),
    [
      ['well', 'running', 0, 0, 2, 'not this one'],
      ['late', 'behind', 2, 0, 0, null],
      ['away', 'waiting', position, 4, 0, 'gone'],
      ['over', 'stopped', 0, 0, 0, null]
    ]
  )
  const metrics: string[] = []
  await subscriberMetrics(
    subscribers,
    (name, _type, _help, value, labels) => void metrics.push(`${name}${labels} ${value}`)
  )
  assert.ok(metrics.includes('plimsoll_subscriber_lag_seconds{subscriber="late"} 30'))
  assert.ok(metrics.includes('plimsoll_subscriber_attempts{subscriber="away"} 4'))

  await log.close()
  const { subscribers: rows } = await subscribers.answer()
  assert.deepEqual(
    rows.map(({ behind }) => behind),
    [null, null, null, null]
  )
})
