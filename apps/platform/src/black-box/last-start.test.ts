import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it, type TestContext } from 'node:test'
import { resolveSettings } from '../settings.ts'
import { tellStart } from './last-start.ts'

const key = 'a key'

/** Starts with these settings in turn, and what each of them told. */
function starts(t: TestContext) {
  const folder = mkdtempSync(join(tmpdir(), 'plimsoll-last-start-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  const file = join(folder, 'recorder', 'last-start.json')
  return {
    file,
    start(environment: Record<string, string>, version = '1.0.0') {
      const told: unknown[] = []
      const { settings } = resolveSettings({ environment })
      tellStart({ settings, version, file, key }, (name, what) => told.push([name, what?.subject, what?.detail]))
      return told
    }
  }
}

describe('a start', () => {
  it('tells its version, and a hash of its settings that is the same for the same settings', t => {
    const { start } = starts(t)
    const [[, , first]] = start({}) as [[string, undefined, Record<string, unknown>]]
    assert.equal(first.version, '1.0.0')
    assert.match(String(first.settings), /^[0-9a-f]{12}$/)
    assert.deepEqual(start({}), [['start', undefined, first]])
  })

  it('tells what is different from the last one', t => {
    const { start } = starts(t)
    start({})
    assert.deepEqual(start({ PLIMSOLL_SPOOL_BYTES: '0', PLIMSOLL_POLICIES: 'false' }, '1.1.0').slice(1), [
      ['version', undefined, { from: '1.0.0', to: '1.1.0' }],
      ['configuration', 'spoolBytes', { key: 'spoolBytes', from: '256000000', to: '0' }],
      ['configuration', 'policies', { key: 'policies', from: 'true', to: 'false' }]
    ])
  })

  it('tells of a secret that it changed and no more, and keeps nothing of it', t => {
    const { file, start } = starts(t)
    start({ PLIMSOLL_DATABASE_URL: 'postgres://app:hunter2@db/x' })
    const told = start({ PLIMSOLL_DATABASE_URL: 'postgres://app:hunter3@db/x' })
    assert.deepEqual(told.slice(1), [['configuration', 'databaseUrl', { key: 'databaseUrl', changed: true }]])
    assert.doesNotMatch(readFileSync(file, 'utf8') + JSON.stringify(told), /hunter|postgres:/)
    assert.equal(statSync(file).mode & 0o777, 0o600)
  })

  it('compares with nothing where what it kept cannot be read', t => {
    const { file, start } = starts(t)
    start({})
    writeFileSync(file, '{"version": 3')
    assert.equal(start({ PLIMSOLL_POLICIES: 'false' }).length, 1)
  })
})
