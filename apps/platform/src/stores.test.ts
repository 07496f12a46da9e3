import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { open } from '@plimsoll/database'
import { resolveSettings } from './settings.ts'
import { openStores } from './stores.ts'

test('when one store cannot be opened, neither is held', async t => {
  const data = mkdtempSync(join(tmpdir(), 'plimsoll-stores-'))
  t.after(() => rmSync(data, { recursive: true }))
  const settings = resolveSettings({ environment: {} }).settings
  const { primary, read } = await openStores(settings, data)
  await primary.close()
  // The read store stays open, as if another process held it.
  await assert.rejects(openStores(settings, data), /read/)
  await (await open(`pglite://${join(data, 'primary')}`)).close()
  await read.close()
})
