import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { DataDirectory } from './data-directory.ts'

function folder(t: TestContext): string {
  const path = mkdtempSync(join(tmpdir(), 'plimsoll-data-'))
  t.after(() => rmSync(path, { recursive: true, force: true }))
  return join(path, 'deep', 'data')
}
const modeOf = (path: string) => (statSync(path).mode & 0o777).toString(8)

test('a new folder is for its owner alone', t => {
  const path = folder(t)
  new DataDirectory(path)
  assert.equal(modeOf(path), '700')
})

test('the admin token is made once, stays the same, and is readable by its owner alone', t => {
  const data = new DataDirectory(folder(t))
  const { adminToken } = data
  assert.match(adminToken, /^[A-Za-z0-9_-]{43}$/)
  assert.equal(data.adminToken, adminToken)
  assert.equal(new DataDirectory(data.path).adminToken, adminToken)
  assert.equal(modeOf(data.file('admin-token')), '600')
  assert.deepEqual(readdirSync(data.path), ['admin-token'], 'nothing is left beside it')
})

test('each folder and each secret has its own', t => {
  const [one, other] = [new DataDirectory(folder(t)), new DataDirectory(folder(t))]
  assert.equal(new Set([one.adminToken, one.secret, other.adminToken, other.secret]).size, 4)
})

test('a secret that is not whole is refused: an empty token would let everybody in', t => {
  const data = new DataDirectory(folder(t))
  for (const content of ['', '\n', 'short\n', `${'x'.repeat(42)}\n`, `${'x'.repeat(20)} ${'x'.repeat(30)}`]) {
    writeFileSync(data.file('admin-token'), content)
    assert.throws(() => data.adminToken, /admin-token does not hold a whole secret; remove the file/)
  }
  rmSync(data.file('admin-token'))
  assert.match(data.adminToken, /^.{43}$/)
})

test('a secret that cannot be written is an error, and leaves no half of one', t => {
  const data = new DataDirectory(folder(t))
  mkdirSync(`${data.file('secret')}.${process.pid}`)
  assert.throws(() => data.secret)
  assert.ok(!readdirSync(data.path).includes('secret'))
})

test('where the platform answers is left for every other command, whole', t => {
  const data = new DataDirectory(folder(t))
  assert.equal(data.readAddresses(), undefined)
  const addresses = {
    url: 'http://127.0.0.1:7070',
    metadataUrl: 'http://127.0.0.1:1',
    healthUrl: 'http://127.0.0.1:2',
    pid: 7
  }
  data.writeAddresses(addresses)
  data.writeWatcher({ url: 'http://127.0.0.1:7071', pid: 8 })
  assert.deepEqual(data.readAddresses(), addresses)
  assert.deepEqual(new DataDirectory(data.path).readWatcher(), { url: 'http://127.0.0.1:7071', pid: 8 })
  assert.equal(modeOf(data.file('platform.json')), '600')
  writeFileSync(data.file('platform.json'), '{"url": "http://')
  assert.equal(data.readAddresses(), undefined)
})
