import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openapi } from './openapi.ts'

test('a few seconds of what the document allows, and of all it does not, miss no aim', async () => {
  const { figures, aims } = await openapi({ quick: true, json: true, seed: 1, seconds: 4, note: () => undefined })
  const missed = aims.filter(({ ok }) => !ok)
  assert.deepEqual(missed, [], JSON.stringify(figures['faults to repeat'], null, 1))
})
