import assert from 'node:assert/strict'
import { test } from 'node:test'
import { manualClock } from '@plimsoll/resilience'
import { deadlineOf, documentedDeadline } from './deadline.ts'
import { Problem } from './problem.ts'
import { createServer } from './server.ts'

const clock = manualClock()
clock.advance(1_000)
const asking = (said?: string) => ({ headers: said === undefined ? {} : { 'x-request-deadline': said } })

test('a request without the header is answered within the service’s own limit', () => {
  assert.equal(deadlineOf(asking(), { clock, longestMs: 10_000 }), 11_000)
  assert.equal(deadlineOf(asking(), { clock, longestMs: Infinity }), Infinity)
})

test('the header can make it less, down to nothing, and never more', () => {
  const at = (said: string) => deadlineOf(asking(said), { clock, longestMs: 10_000 })
  assert.deepEqual([at('0'), at('250'), at('10000'), at('999999')], [1_000, 1_250, 11_000, 11_000])
})

test('what is no whole number of milliseconds is a problem that says so', () => {
  for (const said of ['soon', '', '-1', '1.5', '1e3', '5, 5', '2026-01-01T00:00:00Z']) {
    assert.throws(
      () => deadlineOf(asking(said), { clock, longestMs: 10_000 }),
      error => error instanceof Problem && error.status === 400 && error.code === 'invalid_deadline',
      said
    )
  }
})

test('the document says how much is taken', async () => {
  const app = await createServer({ title: 'a', version: '1' })
  app.get('/x', { config: { documentedHeaders: documentedDeadline(500) } }, async () => 'x')
  const { paths } = (await app.inject('/openapi.json')).json()
  const [parameter] = paths['/x'].get.parameters
  assert.deepEqual([parameter.name, parameter.in, parameter.schema.type], ['x-request-deadline', 'header', 'integer'])
  assert.match(parameter.description ?? parameter.schema.description, /never more than 500 are taken/)
  await app.close()
})
