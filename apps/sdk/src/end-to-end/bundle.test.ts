import assert from 'node:assert/strict'
import { test } from 'node:test'
import { gzipSync } from 'node:zlib'
import { bundleForBrowser } from './bundle.ts'

test('the browser is sent at most 5,120 bytes: the SDK as one minified module, gzipped', async () => {
  const code = await bundleForBrowser()
  const bytes = gzipSync(code, { level: 9 }).length
  assert.ok(bytes <= 5_120, `${bytes} bytes`)
  assert.doesNotMatch(code, /\bimport\b/, 'it needs nothing else')
})
