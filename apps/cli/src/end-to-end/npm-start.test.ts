import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { test } from 'node:test'
import { eventually } from '@plimsoll/bench/end-to-end'
import { freePort, newHome } from './home.ts'

const root = join(import.meta.dirname, '../../../..')

test('whoever ends `npm start` ends the platform', async t => {
  const home = await newHome()
  const port = await freePort()
  const any = ['--watcher-port', '0', '--health-port', '0']
  const npm = spawn('npm', ['start', '--', '--no-demo', '--data', home.data, '--port', String(port), ...any], {
    cwd: root,
    env: { ...process.env, ...home.env },
    stdio: 'ignore',
    // A group of its own, for what a failure leaves.
    detached: true
  })
  t.after(async () => {
    try {
      process.kill(-npm.pid!, 'SIGKILL')
    } catch {
      // Nobody is left.
    }
    await home.remove()
  })
  const ask = () => fetch(`http://127.0.0.1:${port}/openapi.json`)
  await eventually(async () => assert.equal((await ask()).status, 200), 60_000)
  npm.kill('SIGTERM')
  await once(npm, 'exit')
  await eventually(() => assert.rejects(ask(), TypeError), 20_000)
})
