import assert from 'node:assert/strict'
import { once } from 'node:events'
import { availableParallelism } from 'node:os'
import { test } from 'node:test'
import { Worker } from 'node:worker_threads'
import { WaitingThreads } from './waiting-threads.ts'

test('threads that could run and have no processor are counted', { skip: process.platform !== 'linux' }, async t => {
  const threads = new WaitingThreads()
  assert.equal(threads.read(), undefined, 'there is nothing before it to compare with')
  // Three for each processor, so that two of three must wait.
  const spinners = Array.from(
    { length: 3 * availableParallelism() },
    () => new Worker("require('node:worker_threads').parentPort.postMessage(0); for (;;);", { eval: true })
  )
  t.after(() => Promise.all(spinners.map(spinner => spinner.terminate())))
  await Promise.all(spinners.map(spinner => once(spinner, 'message')))
  threads.read()
  for (const until = performance.now() + 30_000; ; ) {
    await new Promise(resolve => setImmediate(resolve))
    const waiting = threads.read()
    if (waiting !== undefined && waiting >= 1) return
    assert.ok(performance.now() < until, `only ${waiting} wait`)
  }
})
