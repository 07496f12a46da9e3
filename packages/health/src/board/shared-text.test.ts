import assert from 'node:assert/strict'
import { once } from 'node:events'
import { test } from 'node:test'
import { Worker } from 'node:worker_threads'
import { SharedText } from './shared-text.ts'

const SIZE = 4_096

test('what one side writes the other reads, whole', () => {
  const memory = new SharedArrayBuffer(SIZE + 16)
  const [writer, reader] = [new SharedText(memory, 16, SIZE), new SharedText(memory, 16, SIZE)]
  assert.equal(reader.read(), '')
  for (const text of ['{"a":1}', 'shorter', 'Grüße, 船', '', 'x'.repeat(SIZE - 8)]) {
    writer.write(text)
    assert.equal(reader.read(), text)
    assert.equal(reader.read(), text, 'and again, when nothing was written since')
  }
})

test('what does not fit is refused, and what was there stays', () => {
  const text = new SharedText(new SharedArrayBuffer(SIZE), 0, SIZE)
  text.write('before')
  assert.throws(() => text.write('x'.repeat(SIZE - 7)), { name: 'RangeError' })
  assert.equal(text.read(), 'before')
})

test('a writer that stopped in the middle keeps nobody waiting: the last whole text is given', () => {
  const memory = new SharedArrayBuffer(SIZE)
  const [writer, reader] = [new SharedText(memory, 0, SIZE), new SharedText(memory, 0, SIZE)]
  writer.write('whole')
  assert.equal(reader.read(), 'whole')
  Atomics.add(new Int32Array(memory), 0, 1)
  new Uint8Array(memory, 8).fill(0xff)
  assert.equal(reader.read(), 'whole')
  assert.equal(new SharedText(memory, 0, SIZE).read(), '', 'a reader that never had one has none')
})

const writing = `
const { parentPort, workerData } = require('node:worker_threads')
import(workerData.module).then(({ SharedText }) => {
  const text = new SharedText(workerData.memory, 0, workerData.size)
  const stop = new Int32Array(workerData.stop)
  for (let n = 0; Atomics.load(stop, 0) === 0; n++) text.write(String.fromCharCode(97 + (n % 26)).repeat(1 + ((n * 37) % 4_000)))
  parentPort.postMessage('done')
})`

test('a reader beside a writer that never rests sees no mixture', async () => {
  const [memory, stop] = [new SharedArrayBuffer(SIZE), new SharedArrayBuffer(4)]
  const workerData = { module: import.meta.resolve('./shared-text.ts'), memory, stop, size: SIZE }
  const worker = new Worker(writing, { eval: true, workerData })
  const reader = new SharedText(memory, 0, SIZE)
  const seen = new Set<string>()
  while (seen.size < 100) {
    const text = reader.read()
    assert.equal(text, text.charAt(0).repeat(text.length))
    seen.add(text)
    await new Promise(setImmediate)
  }
  Atomics.store(new Int32Array(stop), 0, 1)
  await once(worker, 'message')
})
