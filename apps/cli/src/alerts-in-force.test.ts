import assert from 'node:assert/strict'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { DataDirectory, resolveSettings, SettingError } from '@plimsoll/platform/local'
import { incidentsIn } from './alerts-in-force.ts'

test('who is told of incidents is what is set, and a key is made where none is', t => {
  const data = new DataDirectory(mkdtempSync(join(tmpdir(), 'plimsoll-alerts-set-')))
  t.after(() => rmSync(data.path, { recursive: true, force: true }))
  const told = (environment: NodeJS.ProcessEnv) =>
    incidentsIn(data, resolveSettings({ environment }).settings).channels.map(({ name }) => name)
  assert.deepEqual(told({}), [])
  assert.equal(existsSync(data.file('webhook-secret')), false)
  const webhook = { PLIMSOLL_ALERTS_WEBHOOK_URL: 'http://127.0.0.1:9/' }
  assert.deepEqual(told(webhook), ['webhook'])
  assert.equal(existsSync(data.file('webhook-secret')), true)
  const letters = { PLIMSOLL_ALERTS_SMTP_URL: 'smtp://127.0.0.1', PLIMSOLL_ALERTS_FROM: 'a@b.example' }
  assert.throws(() => told(letters), SettingError)
  assert.deepEqual(told({ ...webhook, ...letters, PLIMSOLL_ALERTS_TO: 'c@d.example' }), ['webhook', 'email'])
})
