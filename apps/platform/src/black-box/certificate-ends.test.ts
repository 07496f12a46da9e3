import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { type AddressInfo, createServer as createPlain, type Server } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it, type TestContext } from 'node:test'
import { createServer as createSecure, TLSSocket } from 'node:tls'
import { certificateEnds, type Shower, showersOf } from './certificate-ends.ts'

const day = 86_400_000
const hasOpenssl = (() => {
  try {
    return execFileSync('openssl', ['version']).length > 0
  } catch {
    return false
  }
})()

/** A certificate of our own that ends after so many days. */
function certificate(t: TestContext, days: number) {
  const cwd = mkdtempSync(join(tmpdir(), 'plimsoll-certificate-'))
  t.after(() => rmSync(cwd, { recursive: true, force: true }))
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-keyout', 'key.pem']
  const made = ['req', '-x509', ...key, '-days', String(days), '-subj', '/CN=localhost', '-out', 'cert.pem']
  execFileSync('openssl', made, { cwd, stdio: 'ignore' })
  return { key: readFileSync(join(cwd, 'key.pem')), cert: readFileSync(join(cwd, 'cert.pem')) }
}

async function listening(t: TestContext, server: Server, name = 'metadata'): Promise<Shower> {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => server.close())
  return { name, host: '127.0.0.1', port: (server.address() as AddressInfo).port }
}

/** Figures are asked for until they are as they should be. */
async function until(
  figures: () => Record<string, number>,
  are: (seen: Record<string, number>) => boolean
): Promise<Record<string, number>> {
  for (const end = Date.now() + 30_000; Date.now() < end; ) {
    const seen = figures()
    if (are(seen)) return seen
    await new Promise(setImmediate)
  }
  return figures()
}

describe('the ends of certificates', { skip: hasOpenssl ? false : 'it needs openssl' }, () => {
  it('are measured once a minute, of one that has ended too, and not of a server that is gone', async t => {
    let connections = 0
    const server = createSecure(certificate(t, 10), socket => socket.on('error', () => undefined).resume())
    server.on('connection', () => connections++)
    const shower = await listening(t, server)
    const clock = { now: Date.now(), steady: 0 }
    const figures = certificateEnds([shower], { now: () => clock.now, steady: () => clock.steady })
    assert.deepEqual(figures(), {}, 'nothing waits for it')
    const seen = await until(figures, one => 'expiry.metadata' in one)
    assert.ok(Math.abs(seen['expiry.metadata']! - 10 * day) < 60_000, JSON.stringify(seen))
    assert.equal(seen['expiry.metadata.span'], 10 * day)
    clock.now += 11 * day
    clock.steady = 59_999
    assert.ok(figures()['expiry.metadata']! < 0)
    assert.equal(connections, 1)
    server.close()
    clock.steady = 60_000
    assert.deepEqual(await until(figures, one => !('expiry.metadata' in one)), {})
  })

  it('count for thirty days at most, and are those of PostgreSQL too, which is asked for TLS first', async t => {
    const context = certificate(t, 365)
    const heard: Buffer[] = []
    const server = createPlain(socket => {
      socket.on('error', () => undefined)
      socket.once('data', (request: Buffer) => {
        heard.push(request)
        socket.write('S')
        new TLSSocket(socket, { isServer: true, ...context })
          .on('error', () => undefined)
          .on('data', (data: Buffer) => heard.push(data))
      })
    })
    const shower = await listening(t, server, 'primary')
    const seen = await until(certificateEnds([{ ...shower, isPostgres: true }]), one => 'expiry.primary' in one)
    assert.ok(Math.abs(seen['expiry.primary']! - 365 * day) < 60_000, JSON.stringify(seen))
    assert.equal(seen['expiry.primary.span'], 30 * day)
    assert.deepEqual(heard, [Buffer.from([0, 0, 0, 8, 4, 210, 22, 47])], 'nothing else was sent')
  })

  it('are not measured of who refuses, says no, something else or nothing, and the others are', async t => {
    const answering = (answer: string) =>
      createPlain(socket => void socket.on('error', () => undefined).once('data', () => socket.end(answer)))
    const refusing = await listening(t, answering('N'), 'primary')
    const plain = await listening(t, answering('HTTP/1.1 400 Bad Request\r\n\r\n'), 'redis')
    const mute = await listening(
      t,
      createPlain(socket => void socket.on('error', () => undefined).resume()),
      'nats'
    )
    const closed = createPlain()
    const gone = await listening(t, closed, 'read')
    closed.close()
    const good = await listening(
      t,
      createSecure(certificate(t, 3), socket => socket.on('error', () => undefined).resume())
    )
    const figures = certificateEnds([{ ...refusing, isPostgres: true }, plain, mute, gone, good], { patienceMs: 300 })
    const seen = await until(figures, one => 'expiry.metadata' in one)
    assert.deepEqual(Object.keys(seen), ['expiry.metadata', 'expiry.metadata.span'])
  })
})

it('certificates are those of what is reached over TLS', () => {
  const none = { metadataUrl: '', brokerUrl: '', databaseUrl: '', readDatabaseUrl: '' }
  assert.deepEqual(showersOf(none), [])
  const plain = { metadataUrl: 'http://metadata:8080', brokerUrl: 'redis://redis', databaseUrl: 'postgres://db/app' }
  assert.deepEqual(showersOf({ ...plain, readDatabaseUrl: 'postgres://db/app?sslmode=disable' }), [])
  assert.deepEqual(
    showersOf({
      metadataUrl: 'https://metadata.example/v1',
      brokerUrl: 'rediss://user:pass@redis:6380',
      databaseUrl: 'postgres://app:pass@[::1]:5433/app?sslmode=verify-full',
      readDatabaseUrl: 'postgresql://read/app?ssl=true'
    }),
    [
      { name: 'metadata', host: 'metadata.example', port: 443 },
      { name: 'redis', host: 'redis', port: 6380 },
      { name: 'primary', host: '::1', port: 5433, isPostgres: true },
      { name: 'read', host: 'read', port: 5432, isPostgres: true }
    ]
  )
})
