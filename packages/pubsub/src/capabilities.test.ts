import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { it } from 'node:test'
import { fileURLToPath } from 'node:url'

it('the readme has the capability table that the command prints', () => {
  const printed = execFileSync(process.execPath, [fileURLToPath(new URL('./print-capabilities.ts', import.meta.url))])
  const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8')
  assert.ok(readme.includes(printed.toString().trim()), 'run `npm run capabilities -w @plimsoll/pubsub` and paste it')
})
