import assert from 'node:assert/strict'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { Exits } from './exits.ts'
import { Supervisor, type SupervisorOptions } from './supervisor.ts'

const ready = "process.send({ kind: 'ready', url: 'http://127.0.0.1:1', signInLink: 'x' })"
/** Listening keeps it alive. */
const whenStarted = (code: string) => `process.on('message', ({ start }) => { ${code} })\n`

/** A supervisor of a real child process that runs `code`, with timers that a test moves on. */
function supervise(t: TestContext, code: string, options: Partial<SupervisorOptions> = {}) {
  t.mock.timers.enable({ apis: ['setTimeout'] })
  const folder = mkdtempSync(join(tmpdir(), 'plimsoll-supervisor-'))
  const module = join(folder, 'platform.mjs')
  writeFileSync(module, code)
  const exits = new Exits(join(folder, 'exits.json'))
  const events: string[] = []
  let heard: (() => void) | undefined
  const tell = (event: string) => {
    events.push(event)
    heard?.()
  }
  const supervisor = new Supervisor({
    module,
    start: { greeting: 'ahoy' },
    exits,
    onReady: (_report, restarts) => tell(`ready ${restarts}`),
    onExit: ({ code, signal, restartInMs }) => tell(`exit ${signal ?? code} ${restartInMs}`),
    ...options
  })
  t.after(() => {
    if (supervisor.pid !== undefined) process.kill(supervisor.pid, 'SIGKILL')
    rmSync(folder, { recursive: true, force: true })
  })
  return {
    supervisor,
    exits,
    events,
    file: (name: string) => join(folder, name),
    tick: (ms: number) => t.mock.timers.tick(ms),
    /** Resolves once `count` events were heard. */
    async until(count: number) {
      while (events.length < count) {
        await new Promise<void>(resolve => {
          heard = resolve
        })
      }
    }
  }
}

test('a platform that becomes ready is told what to start with, and is ready', async t => {
  const { supervisor, until, events, file } = supervise(
    t,
    `import { writeFileSync } from 'node:fs'\n${whenStarted(`writeFileSync(new URL('said', import.meta.url), start.greeting); ${ready}`)}`
  )
  assert.equal(supervisor.phase, 'starting')
  const ended = supervisor.run()
  await until(1)
  assert.deepEqual([supervisor.phase, supervisor.restarts, events], ['ready', 0, ['ready 0']])
  assert.equal(readFileSync(file('said'), 'utf8'), 'ahoy')
  assert.ok(supervisor.lastBeat > 0 && supervisor.pid! > 0)
  supervisor.stop()
  assert.equal(await ended, 0)
})

test('one that dies is started again, later each time while it hardly serves', async t => {
  const { supervisor, exits, until, events, tick } = supervise(t, whenStarted(ready))
  const ended = supervisor.run()
  await until(1)
  const first = supervisor.pid!
  process.kill(first, 'SIGKILL')
  await until(2)
  assert.deepEqual([supervisor.phase, events[1]], ['down', 'exit SIGKILL 100'])
  assert.deepEqual([exits.all[0]!.signal, exits.all[0]!.code], ['SIGKILL', null])
  tick(99)
  assert.equal(supervisor.pid, undefined)
  tick(1)
  await until(3)
  assert.deepEqual([supervisor.phase, supervisor.restarts, events[2]], ['ready', 1, 'ready 1'])
  assert.notEqual(supervisor.pid, first)
  process.kill(supervisor.pid!, 'SIGKILL')
  await until(4)
  assert.equal(events[3], 'exit SIGKILL 200')
  supervisor.stop()
  assert.equal(await ended, 0, 'a stop while it is down ends at once')
  tick(60_000)
  assert.equal(supervisor.pid, undefined, 'and nothing is started any more')
})

test('one that never became ready is not tried again: its code is passed on, with its own words', async t => {
  const { supervisor, exits, events } = supervise(
    t,
    whenStarted(
      "process.send({ kind: 'cannot-start', message: 'port 7070 is taken' }); process.exitCode = 2; process.disconnect()"
    )
  )
  assert.equal(await supervisor.run(), 2)
  assert.deepEqual(
    [supervisor.phase, supervisor.complaint, events],
    ['failed', 'port 7070 is taken', ['exit 2 undefined']]
  )
  assert.equal(exits.all.length, 1)
})

test('one that ends before it was ready has failed, also with code 0 or by a signal', async t => {
  assert.equal(await supervise(t, 'process.exit(0)').supervisor.run(), 1)
})

test('one that cannot even be made has failed, and says why', async t => {
  const { supervisor } = supervise(t, ready)
  const { execPath } = process
  process.execPath = '/nowhere/node'
  t.after(() => {
    process.execPath = execPath
  })
  assert.equal(await supervisor.run(), 1)
  assert.equal(supervisor.phase, 'failed')
  assert.match(supervisor.complaint!, /ENOENT/)
})

test('what it reports is known, also after its death', async t => {
  const state = { at: 5, pendingWrites: 1, breaker: 'open', lagMs: 0, caughtUp: true, rssBytes: 1, projects: [] }
  const { supervisor, until } = supervise(
    t,
    whenStarted(`process.send({ kind: 'beat', state: ${JSON.stringify(state)} }); ${ready}`)
  )
  const ended = supervisor.run()
  await until(1)
  process.kill(supervisor.pid!, 'SIGKILL')
  await until(2)
  assert.deepEqual(supervisor.known, state)
  supervisor.stop()
  await ended
})

test('a stop asks it to end, and waits until it has', async t => {
  const { supervisor, until, exits, file } = supervise(
    t,
    `import { writeFileSync } from 'node:fs'
     process.on('SIGTERM', () => { writeFileSync(new URL('closed', import.meta.url), ''); process.exit(0) })
     ${whenStarted(ready)}`
  )
  const ended = supervisor.run()
  await until(1)
  supervisor.stop()
  assert.equal(supervisor.phase, 'stopping')
  supervisor.stop()
  assert.equal(await ended, 0)
  assert.ok(existsSync(file('closed')), 'it was given the time to close')
  assert.deepEqual([exits.all.length, exits.all[0]!.code], [1, 0])
})

test('one that will not stop is killed after fifteen seconds', async t => {
  const { supervisor, until, exits, tick } = supervise(
    t,
    `process.on('SIGTERM', () => process.send({ kind: 'ready' }))\n${whenStarted(ready)}`
  )
  const ended = supervisor.run()
  await until(1)
  supervisor.stop()
  await until(2)
  assert.equal(supervisor.phase, 'stopping', 'what it says now makes it no more ready')
  tick(14_999)
  assert.equal(exits.all.length, 0)
  tick(1)
  assert.equal(await ended, 0)
  assert.equal(exits.all[0]!.signal, 'SIGKILL')
})
