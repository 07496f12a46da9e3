import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { after, afterEach, before, beforeEach, describe, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { eventually } from '@plimsoll/bench/end-to-end'
import { type Client, init, type NodeOptions } from '../node/index.ts'
import { type Gate, openGate } from './gate.ts'
import { type Project, type RealTelemetry, startTelemetry } from './real-telemetry.ts'

const script = fileURLToPath(new URL('./recording-process.ts', import.meta.url))

describe('the SDK in Node', () => {
  let telemetry: RealTelemetry
  let gate: Gate
  let project: Project
  let folder: string
  const clients: Client[] = []
  const children: ChildProcess[] = []

  before(async () => {
    telemetry = await startTelemetry()
  })
  after(() => telemetry?.close())
  beforeEach(async () => {
    gate = await openGate(telemetry.url)
    project = await telemetry.newProject()
    folder = mkdtempSync(join(tmpdir(), 'plimsoll-sdk-'))
  })
  afterEach(async () => {
    for (const child of children.splice(0)) child.kill('SIGKILL')
    gate.mood = 'cut'
    await Promise.all(clients.splice(0).map(client => client.shutdown()))
    await gate.close()
    rmSync(folder, { recursive: true })
  })

  function start(options: Partial<NodeOptions> = {}): Client {
    const client = init({ endpoint: gate.url, key: project.key, folder, user: 'ann', flushMs: 50, ...options })
    clients.push(client)
    return client
  }
  const use = (client: Client, times: number) => {
    for (let n = 0; n < times; n++) client.feature('search', { n })
  }
  /** Starts a process that records, and resolves when it has recorded at least so many. */
  async function record(events: number, atLeast: number) {
    const child = spawn(process.execPath, [script, folder, gate.url, project.key, String(events)], {
      stdio: ['ignore', 'pipe', 'inherit']
    })
    children.push(child)
    const said = { recorded: 0 }
    const lines = createInterface(child.stdout!)
    const enough = new Promise<void>(resolve => {
      lines.on('line', line => {
        said.recorded = Number(line)
        if (said.recorded >= atLeast) resolve()
      })
    })
    await enough
    return {
      said,
      kill: async () => {
        child.kill('SIGKILL')
        await once(child, 'close')
        return said.recorded
      }
    }
  }
  const sentOff = (client: Client) => eventually(async () => assert.equal(await client.flush(), true))

  test('records, delivers on shutdown, and leaves nothing behind', async () => {
    const client = start()
    use(client, 20)
    await client.shutdown()
    const ledger = await project.ledger()
    assert.deepEqual([ledger.accepted, ledger.duplicate, ledger.clientLosses], [22, 0, {}])
    assert.notEqual((await project.sessions())[0]?.endedAt, null)
    assert.deepEqual(readdirSync(folder), [])
  })

  test('kill -9 in the middle: what was recorded is delivered by the next process, once', async () => {
    const { kill } = await record(100_000, 300)
    const said = await kill()
    const client = start()
    await sentOff(client)
    const { accepted, clientLosses } = await project.ledger()
    // Recorded by the dead one are those it said, and the few after its last word; one start is this client's.
    assert.ok(accepted - 1 >= said, `${accepted - 1} of at least ${said}`)
    const events = (await project.sessions()).reduce((sum, session) => sum + session.events, 0)
    assert.equal(events, accepted)
    assert.deepEqual(clientLosses, {})
    await client.shutdown()
    assert.deepEqual(readdirSync(folder), [])
  })

  test('kill -9 with the server away: three dead processes, and the fourth delivers for all', async () => {
    gate.mood = 'cut'
    for (let n = 0; n < 3; n++) await (await record(100, 100)).kill()
    gate.mood = 'pass'
    const client = start()
    await sentOff(client)
    const ledger = await project.ledger()
    assert.deepEqual([ledger.accepted, ledger.duplicate, ledger.clientLosses], [301, 0, {}])
    assert.equal((await project.sessions()).length, 4)
  })

  test('a living process keeps its file, also while it cannot run', async () => {
    gate.mood = 'cut'
    const { kill } = await record(100, 100)
    children.at(-1)!.kill('SIGSTOP')
    gate.mood = 'pass'
    const client = start()
    await sentOff(client)
    assert.equal((await project.ledger()).accepted, 1, 'only its own start')
    children.at(-1)!.kill('SIGCONT')
    await eventually(async () => assert.equal((await project.ledger()).accepted, 101))
    await kill()
  })

  test('answers that are lost: sent again, counted once', async () => {
    gate.mood = 'lose-answer'
    const client = start()
    use(client, 30)
    await eventually(async () => assert.equal((await project.ledger()).accepted, 31))
    gate.mood = 'pass'
    await sentOff(client)
    const ledger = await project.ledger()
    assert.equal(ledger.accepted, 31)
    assert.ok(ledger.duplicate >= 31)
    assert.deepEqual(ledger.clientLosses, {})
  })

  test('the answer to a loss report is lost: the report keeps its id and is added once', async () => {
    const client = start({ maxEvents: 5 })
    gate.mood = 'cut'
    use(client, 20)
    assert.deepEqual(await client.losses(), { queue_full: 16 })
    gate.mood = 'pass'
    const send = client.flush()
    await eventually(() => assert.ok(gate.passed.some(({ ids }) => ids.length === 5)))
    await send
    await sentOff(client)
    const reports = gate.passed.filter(({ path }) => path === '/v1/losses')
    assert.equal(reports.length, 1)

    gate.mood = 'cut'
    use(client, 9)
    gate.mood = 'pass'
    // The events pass and the report's answer is lost.
    const timer = setInterval(() => {
      if (gate.passed.at(-1)?.ids.length === 5) gate.mood = 'lose-answer'
    }, 1)
    await client.flush()
    clearInterval(timer)
    gate.mood = 'pass'
    await sentOff(client)
    const ledger = await project.ledger()
    assert.deepEqual([ledger.accepted, ledger.clientLosses], [10, { queue_full: 20 }])
    assert.deepEqual(await client.losses(), {})
  })

  test('a server that is away for a while, and a queue that is bounded: all is accepted or told', async () => {
    gate.mood = { status: 503, headers: { 'retry-after': '1' } }
    const client = start({ maxEvents: 1_000 })
    use(client, 1_500)
    assert.equal(await client.flush(), false)
    gate.mood = 'pass'
    await sentOff(client)
    const { accepted, duplicate, clientLosses } = await project.ledger()
    assert.deepEqual([accepted, duplicate, clientLosses], [1_000, 0, { queue_full: 501 }])
  })

  test('one bad event costs itself, and what the server rejects is told', async () => {
    const client = start()
    use(client, 10)
    client.feature('x'.repeat(500))
    client.feature('big', { text: 'x'.repeat(40_000) })
    client.feature('odd', { n: 1n })
    await sentOff(client)
    const { accepted, clientLosses } = await project.ledger()
    assert.equal(accepted, 11)
    assert.deepEqual(clientLosses, { event_too_large: 1, invalid_event: 1, 'rejected:invalid_event': 1 })
  })

  test('consent withdrawn: nothing is left in the folder, of the dead neither', async () => {
    gate.mood = 'cut'
    await (await record(50, 50)).kill()
    const client = start()
    use(client, 5)
    client.consent(false)
    use(client, 5)
    await eventually(() => assert.deepEqual(readdirSync(folder), []))
    gate.mood = 'pass'
    gate.passed.length = 0
    client.consent(true)
    use(client, 2)
    await sentOff(client)
    assert.equal((await project.ledger()).accepted, 3)
  })

  test('a folder that cannot be made: the host knows nothing of it, and every event is told as lost', async () => {
    const client = start({ folder: '/dev/null/nowhere' })
    use(client, 3)
    await sentOff(client)
    const { accepted, clientLosses } = await project.ledger()
    assert.deepEqual([accepted, clientLosses], [0, { storage_failed: 4 }])
  })
})
