import assert from 'node:assert/strict'
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { describe, it, type TestContext } from 'node:test'
import { scratchDatabase, testTemplate } from '@plimsoll/database/testing'
import type { Report } from '@plimsoll/service-watcher'
import { resolveSettings, type Settings } from './settings.ts'

/** Far beyond what a start that fails may take: past it the process is killed, and ends with no code. */
const patienceMs = 60_000

/** A server on the loopback that accepts and says nothing. */
async function muteServer(t: TestContext): Promise<number> {
  const sockets = new Set<Socket>()
  const server = createServer(socket => {
    sockets.add(socket)
    socket.on('error', () => undefined)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  return (server.address() as AddressInfo).port
}

/** Holds a process for good: what was begun and is not let go of. */
const holder = ['--import', 'data:text/javascript,setInterval(() => undefined, 1_000_000)']

/** The platform process, started as its watcher starts it, until it ends. */
async function startedWith(t: TestContext, settings: Partial<Settings>, execArgv: string[] = []) {
  const data = await mkdtemp(join(tmpdir(), 'plimsoll-cannot-start-'))
  t.after(() => rm(data, { recursive: true, force: true }))
  const child = fork(new URL('./process.ts', import.meta.url), [], {
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    execArgv,
    env: { ...process.env, PLIMSOLL_DATABASE_TEMPLATE: await testTemplate() },
    timeout: patienceMs,
    killSignal: 'SIGKILL'
  })
  const reports: Report[] = []
  child.on('message', report => reports.push(report as Report))
  const defaults = resolveSettings({ environment: {} }).settings
  child.send({ start: { settings: { ...defaults, data, port: 0, healthPort: 0, ...settings } } })
  const [stderr, [code, signal]] = await Promise.all([text(child.stderr!), once(child, 'close')])
  return { stderr, code, signal, reports }
}

function assertCouldNotStart({ stderr, code, signal, reports }: Awaited<ReturnType<typeof startedWith>>, why: RegExp) {
  assert.deepEqual([code, signal], [2, null], stderr)
  assert.deepEqual(
    reports.map(({ kind }) => kind),
    ['cannot-start'],
    'its watcher has its words before it is gone'
  )
  assert.match((reports[0] as Extract<Report, { kind: 'cannot-start' }>).message, why)
  const said = JSON.parse(stderr.trimEnd().split('\n').at(-1)!)
  assert.deepEqual([said.level, said.msg], [60, 'cannot start'])
  assert.match(said.err.message, why)
}

describe('a platform that cannot start', () => {
  it('says that its store refuses it, and ends with 2', async t => {
    assertCouldNotStart(await startedWith(t, { databaseUrl: 'postgres://127.0.0.1:1/none' }), /ECONNREFUSED/)
  })

  it('is ended when something that was begun still holds it', async t => {
    assertCouldNotStart(await startedWith(t, { databaseUrl: 'postgres://127.0.0.1:1/none' }, holder), /ECONNREFUSED/)
  })

  it('says that its store does not answer, and ends with 2', async t => {
    const databaseUrl = `postgres://plimsoll@127.0.0.1:${await muteServer(t)}/none`
    assertCouldNotStart(await startedWith(t, { databaseUrl }), /timeout/)
  })

  it('says that its port is taken, lets go of the stores it has opened, and ends with 2', async t => {
    const port = await muteServer(t)
    const scratch = process.env.PLIMSOLL_DATABASE_URL ? await scratchDatabase() : undefined
    t.after(() => scratch?.remove())
    assertCouldNotStart(await startedWith(t, { port, databaseUrl: scratch?.url ?? '' }), /EADDRINUSE/)
  })
})
