import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { type RealTelemetry, startTelemetry } from './real-telemetry.ts'

let telemetry: RealTelemetry
before(async () => {
  telemetry = await startTelemetry()
})
after(() => telemetry?.close())

test('the readme’s example for Node runs as written, and arrives', async () => {
  const readme = readFileSync(new URL('../../README.md', import.meta.url), 'utf8')
  const code = [...readme.matchAll(/```ts\n([\s\S]*?)```/g)].at(-1)![1]!
  // Inside of the package, so that its own name leads to it.
  const folder = mkdtempSync(join(import.meta.dirname, 'readme-'))
  try {
    writeFileSync(join(folder, 'example.ts'), code)
    const project = await telemetry.newProject()
    const child = spawn(process.execPath, ['example.ts'], {
      cwd: folder,
      env: { ...process.env, PLIMSOLL_URL: telemetry.url, PLIMSOLL_KEY: project.key },
      stdio: ['ignore', 'inherit', 'inherit']
    })
    const [exitCode] = await once(child, 'close')
    assert.equal(exitCode, 0)
    assert.equal((await project.ledger()).accepted, 3)
  } finally {
    rmSync(folder, { recursive: true })
  }
})
