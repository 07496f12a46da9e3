import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import type { HealthDocument } from '../verdict/document.ts'
import { type Patient, startPatient } from './patient.ts'

const failed = ({ status }: HealthDocument) => status === 'fail'
const passed = ({ status }: HealthDocument) => status === 'pass'
const silentMs = ({ checks }: HealthDocument) => Number(checks['eventLoop:silence']![0]!.observedValue)

/** That it is told to be stuck, for how long already, and that the time grows while it lasts. */
async function reportedAsStuck(patient: Patient): Promise<void> {
  const first = await patient.askUntil('/health', failed)
  assert.equal(first.status, 503)
  assert.match(first.body.output, /^the main thread is stuck: no sign of life for \d+\.\d s$/)
  assert.ok(silentMs(first.body) >= 400)
  const later = await patient.askUntil('/health', body => silentMs(body) > silentMs(first.body) + 100)
  assert.equal(later.body.status, 'fail')
  assert.equal((await patient.ask('/ready')).status, 503)
  assert.equal((await patient.ask('/health/report')).status, 503)
  assert.equal((await patient.ask('/startup')).status, 200, 'that it started stays true')
}

/** A pipe that nobody writes: to open it is to wait. */
function silentPipe(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'plimsoll-health-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  spawnSync('mkfifo', [join(folder, 'pipe')])
  return join(folder, 'pipe')
}

test('a main thread that is busy for seconds is told as stuck while it lasts, and as well when it is over', async t => {
  const patient = await startPatient(t)
  await patient.askUntil('/ready', passed)
  const over = patient.says('done')
  patient.suffer({ kind: 'busy loop', forMs: 4_000 })
  await reportedAsStuck(patient)
  await over
  await patient.askUntil('/health', passed)
  await patient.askUntil('/ready', passed)
})

test('promises that never let the event loop turn are told as well', async t => {
  const patient = await startPatient(t)
  patient.suffer({ kind: 'endless microtasks' })
  await reportedAsStuck(patient)
})

test('with the pool exhausted, the database hung, and then the loop stuck too, every answer comes', async t => {
  const patient = await startPatient(t)
  await patient.askUntil('/ready', passed)
  patient.suffer({ kind: 'pool exhausted', pipe: silentPipe(t) })
  patient.suffer({ kind: 'database', is: 'hung' })
  const degraded = await patient.askUntil('/ready', body => body.status === 'warn')
  assert.equal(degraded.status, 200, 'a shared dependency alone turns no traffic away')
  assert.equal((await patient.ask('/health')).body.status, 'pass')
  assert.equal((await patient.askUntil('/health/report', failed)).status, 503)
  // It hangs for good: the last look gets old, and says so.
  const old = await patient.askUntil('/ready', body => /last looked at/.test(body.output))
  assert.match(old.body.output, /^database:ping: no answer within 50 ms; last looked at \d+\.\d s ago$/)

  patient.suffer({ kind: 'busy loop', forMs: 600_000 })
  await reportedAsStuck(patient)
})

test('with the heap nearly full, and then the loop stuck too, every answer comes', async t => {
  const patient = await startPatient(t, ['--max-old-space-size=128', '--max-semi-space-size=1'])
  patient.suffer({ kind: 'heap nearly full' })
  const { status, body } = await patient.askUntil(
    '/health/report',
    body => body.checks['heap:used']![0]!.status === 'warn'
  )
  assert.equal(status, 200)
  assert.match(body.output, /heap:used: the heap is 8\d(\.\d)? % full/)
  patient.suffer({ kind: 'busy loop', forMs: 600_000 })
  await reportedAsStuck(patient)
})

test('a database that goes and comes back turns readiness to a warning and back', async t => {
  const patient = await startPatient(t)
  for (let round = 0; round < 3; round++) {
    patient.suffer({ kind: 'database', is: 'gone' })
    const { status, body } = await patient.askUntil('/ready', ({ status }) => status !== 'pass')
    assert.deepEqual([status, body.status, body.output], [200, 'warn', 'database:ping: connect ECONNREFUSED'])
    patient.suffer({ kind: 'database', is: 'well' })
    await patient.askUntil('/ready', passed)
  }
})

test('a process that stood still as a whole is not called stuck when it goes on', async t => {
  const patient = await startPatient(t)
  await patient.askUntil('/health', passed)
  patient.process.kill('SIGSTOP')
  // Stopped long enough to be taken for stuck: what runs in the meantime is another patient, through a whole illness.
  const other = await startPatient(t)
  other.suffer({ kind: 'busy loop', forMs: 600_000 })
  await reportedAsStuck(other)
  patient.process.kill('SIGCONT')
  for (let n = 0; n < 20; n++) assert.equal((await patient.ask('/health')).body.status, 'pass')
})

test('when the thread that answers dies, another one answers on the same port, and this is counted', async t => {
  const patient = await startPatient(t)
  for (let round = 1; round <= 2; round++) {
    patient.suffer({ kind: 'health thread killed' })
    await patient.says('done')
    const restarts = await untilAnswered(() =>
      patient.askUntil('/health/report', ({ checks }) => checks['health:threadRestarts']![0]!.observedValue === round)
    )
    assert.equal(restarts.status, 200)
  }
})

/** Asks again for as long as nobody is there. */
async function untilAnswered<T>(ask: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await ask()
    } catch (error) {
      if ((error as Error).name === 'TimeoutError') throw error
    }
  }
}

test('SIGTERM: not ready at once, in flight answered, what never ends cut off and named, exit 1', async t => {
  const patient = await startPatient(t)
  const [ends, hangs] = await Promise.all([fetch(`${patient.service}/ends`), fetch(`${patient.service}/hangs`)])
  const hung = hangs.text()
  hung.catch(() => undefined)
  const drained = patient.says('drained')
  const exited = once(patient.process, 'exit')
  patient.process.kill('SIGTERM')
  const { body } = await patient.askUntil('/ready', failed)
  assert.match(body.output, /^draining: /)
  assert.equal(await ends.text(), 'begun ended')
  const { clean, cutOff } = await drained
  assert.equal(clean, false)
  assert.match(cutOff[0]!, /^http: cut off after \d+ ms \(1 connection with a request in flight\)$/)
  await assert.rejects(hung)
  assert.deepEqual(await exited, [1, null])
})
