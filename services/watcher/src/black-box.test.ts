import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it, type TestContext } from 'node:test'
import { MemoryKills, type Occurrence, readRecords, type Sample } from '@plimsoll/recorder'
import { type Seen, WatcherBlackBox } from './black-box.ts'

/** A black box of a platform that is this process, with a door of which some paths do not answer. */
async function watched(t: TestContext, mute: readonly string[] = []) {
  const server = createServer((request, response) => void (mute.includes(request.url!) || response.end()))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const data = mkdtempSync(join(tmpdir(), 'plimsoll-watcher-'))
  const seen: Seen = { phase: 'ready', pid: process.pid, lastBeat: Date.now(), addresses: { url, healthUrl: url } }
  const kernel = join(data, 'kernel')
  mkdirSync(join(kernel, 'proc'), { recursive: true })
  const killedSoFar = (kills: number) => writeFileSync(join(kernel, 'proc/vmstat'), `oom_kill ${kills}\n`)
  killedSoFar(0)
  const blackBox = new WatcherBlackBox({
    directory: join(data, 'recorder', 'watcher'),
    data,
    observe: () => seen,
    memoryKills: new MemoryKills(kernel)
  })
  t.after(() => {
    blackBox.close('the test is over')
    server.close()
    server.closeAllConnections()
    rmSync(data, { recursive: true, force: true })
  })
  const records = () => readRecords(join(data, 'recorder')).records
  return {
    seen,
    blackBox,
    killedSoFar,
    sample(): Sample['values'] {
      blackBox.sample()
      return records().findLast((one): one is Sample => one.kind === 'sample')!.values
    },
    happened: () => records().filter((one): one is Occurrence => one.kind === 'occurrence')
  }
}

describe('what the watcher records of a platform', () => {
  it('is its phase, its silence and its process, seen from outside', async t => {
    const { seen, sample } = await watched(t)
    const values = sample()
    assert.equal(values['platform.phase'], 1)
    assert.ok(values['platform.silent']! < 30_000)
    if (process.platform === 'linux') {
      assert.ok(values['platform.rss']! > 10e6 && values['platform.files']! > 3)
      assert.equal(values['platform.stopped'], 0)
    }
    seen.phase = 'down'
    seen.pid = undefined
    const gone = sample()
    assert.equal(gone['platform.phase'], 2)
    assert.equal(gone['platform.rss'], undefined)
  })

  it('is how long its doors take to answer, and nothing of one that does not', async t => {
    const { sample } = await watched(t, ['/probe'])
    let values = sample()
    const deadline = Date.now() + 30_000
    while ((values['probe.health'] === undefined || values['probe.ready'] === undefined) && Date.now() < deadline) {
      await new Promise(resolve => setTimeout(resolve, 5))
      const more = sample()
      values = { ...values, ...more }
    }
    assert.ok(values['probe.health']! >= 0 && values['probe.ready']! >= 0)
    assert.equal(values['probe.main'], undefined)
  })

  it('is its end, with what it last held, and a refusal to start', async t => {
    const { blackBox, sample, happened } = await watched(t)
    const rss = sample()['platform.rss']
    blackBox.exited({ code: null, signal: 'SIGKILL', upMs: 1_234, restartInMs: 100 })
    blackBox.refusedToStart('postgres://app:hunter2@db does not answer')
    blackBox.signalled('SIGTERM')
    const [, exit, refusal, signal] = happened()
    assert.deepEqual([exit?.name, exit?.detail?.signal, exit?.detail?.uptime], ['exit', 'SIGKILL', 1_234])
    assert.equal(exit?.detail?.['restart-in'], 100)
    if (rss !== undefined) assert.ok(Math.abs(Number(exit?.detail?.memory) - rss) < 1e6)
    assert.deepEqual(refusal?.detail, { why: 'postgres://***@db does not answer' })
    assert.equal(signal?.subject, 'SIGTERM')
  })

  it('is killed for memory where the kernel did it just now, and not where it once killed another', async t => {
    const { blackBox, sample, happened, killedSoFar } = await watched(t)
    const killed = { code: null, signal: 'SIGKILL', upMs: 60_000, restartInMs: 100 }
    killedSoFar(1)
    for (let second = 0; second < 3; second++) sample()
    blackBox.exited(killed)
    killedSoFar(2)
    blackBox.exited(killed)
    killedSoFar(3)
    blackBox.exited({ ...killed, code: 1, signal: null })
    assert.deepEqual(
      happened().flatMap(({ name, detail }) => (name === 'exit' ? [detail?.['killed-for-memory']] : [])),
      [false, true, false]
    )
  })
})
