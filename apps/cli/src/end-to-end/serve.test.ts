import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { eventually } from '@plimsoll/bench/end-to-end'
import { open } from '@plimsoll/database'
import { append, migrateLog, type NewEntry } from '@plimsoll/eventlog'
import { readRecords } from '@plimsoll/recorder'
import { newHome } from './home.ts'
import { runCli } from './run-cli.ts'

const cli = fileURLToPath(new URL('../../bin/plimsoll.js', import.meta.url))
const october = Date.UTC(2026, 9, 5, 12)

const session = (at: number): NewEntry => ({
  tenant: 'shop',
  id: randomUUID(),
  type: 'session.start',
  time: at,
  stream: randomUUID(),
  subject: 'ann',
  digest: '1',
  data: null,
  change: JSON.stringify([null, [at, at, 1, 'pro', 'eu', 'known', 'ann']])
})

// A service by itself needs a server.
if (process.env.PLIMSOLL_DATABASE_URL) {
  test('billing and feed by themselves follow the log, answer, record, and end when they are told to', async t => {
    const home = await newHome()
    const children: ChildProcess[] = []
    const log = await open(home.env.PLIMSOLL_DATABASE_URL!)
    t.after(async () => {
      for (const child of children) child.kill('SIGKILL')
      await log.close()
      await home.remove()
    })
    const serve = async (name: string) => {
      const child = spawn(process.execPath, [cli, 'serve', name, '--port', '0', '--health-port', '0'], {
        cwd: tmpdir(),
        env: { ...process.env, PLIMSOLL_DATA: home.data, ...home.env },
        stdio: ['ignore', 'pipe', 'inherit']
      })
      children.push(child)
      const exited = once(child, 'exit')
      const [line] = await Promise.race([once(createInterface({ input: child.stdout }), 'line'), exited])
      const { url, healthUrl, blackBox } = JSON.parse(String(line)) as Record<'url' | 'healthUrl' | 'blackBox', string>
      return { child, exited, url, healthUrl, blackBox }
    }
    await migrateLog(log)
    const [billing, feed] = await Promise.all([serve('billing'), serve('feed')])
    await log.transaction(tx => append(tx, [session(october), session(october), session(october + 60_000)]))
    const authorization = `Bearer ${readFileSync(join(home.data, 'admin-token'), 'utf8').trim()}`
    const ask = async (url: string, method = 'GET') => {
      const response = await fetch(url, { method, headers: { authorization } })
      assert.ok(response.ok, `${url}: ${response.status}`)
      return JSON.parse(await response.text())
    }
    const month = `${billing.url}/v1/billing/shop/2026-10`
    assert.equal((await ask(`${month}?consistency=billing`)).sessions, 3)
    assert.equal((await ask(`${month}/invoice`, 'POST')).invoice.sessions, 3)
    assert.equal((await log.query('select from billing_decisions.invoices')).affected, 1)
    await eventually(async () => assert.equal((await ask(`${feed.url}/v1/feed/ann`)).items.length, 3), 60_000)

    for (const [name, { child, exited, healthUrl, blackBox }] of Object.entries({ billing, feed })) {
      assert.equal((await ask(`${healthUrl}/ready`)).status, 'pass')
      await eventually(() => {
        const values = readRecords(join(blackBox, 'recorder')).records.flatMap(one =>
          one.kind === 'sample' ? [one.values] : []
        )
        const following = values.find(one => one[`subscriber.${name}.alive`] === 1)
        assert.equal(following?.['store.read.up'], 1)
      }, 60_000)
      child.kill('SIGTERM')
      assert.deepEqual(await exited, [0, null])
      const happened = readRecords(join(blackBox, 'recorder')).records.flatMap(one =>
        one.kind === 'occurrence' ? [one.name] : []
      )
      const life = ['start', 'ready', 'signal', 'close']
      assert.deepEqual(
        happened.filter(one => life.includes(one)),
        life
      )
    }
    const { code, stdout } = await runCli(home, ['why', '--data', billing.blackBox])
    assert.notEqual(code, 2, stdout)
  })
}
