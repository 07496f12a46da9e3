import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openapi } from './openapi.ts'

test('a few seconds of what the document allows, and of all it does not, miss no aim', async () => {
  const { figures, aims } = await openapi({ quick: true, json: true, seed: 1, seconds: 4, note: () => undefined })
  // A machine with other work may have to refuse some of it in time, which is no fault; the command judges that.
  const missed = aims.filter(({ ok, name }) => !ok && name !== 'refused with 503 at this pace')
  assert.deepEqual(missed, [], JSON.stringify({ missed, faults: figures['faults to repeat'] }, null, 1))
})
