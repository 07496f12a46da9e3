import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { test } from 'node:test'
import { contentOf, directoryFor } from './testing.ts'

/** Runs the worker until it has said so many lines, kills it, and returns all that it said. */
async function killedAfter(directory: string, run: number, lines: number): Promise<string[]> {
  const worker = join(import.meta.dirname, 'crash-worker.ts')
  const child = spawn(process.execPath, [worker, directory, String(run)], { stdio: ['ignore', 'pipe', 'inherit'] })
  const exited = once(child, 'exit')
  const said: string[] = []
  for await (const line of createInterface(child.stdout)) {
    said.push(line)
    if (said.length === lines) child.kill('SIGKILL')
  }
  const [, signal] = await exited
  assert.equal(signal, 'SIGKILL')
  return said
}

test('kill -9 at any moment: each acknowledged record is there once, in order, and no number is given twice', async t => {
  const directory = directoryFor(t)
  const acknowledged = new Map<number, string>()
  let released = 0
  for (let run = 0; run < 10; run++) {
    for (const line of await killedAfter(directory, run, 1 + Math.floor(Math.random() * 400))) {
      const [sign, number, text = ''] = line.split(' ')
      const sequence = Number(number)
      if (sign === '-') released = Math.max(released, sequence)
      else {
        assert.ok(!acknowledged.has(sequence), `${sequence} was given twice`)
        acknowledged.set(sequence, text)
      }
    }
    const { records, errors } = await contentOf(directory)
    assert.deepEqual(errors, [])
    for (const [sequence, text] of acknowledged) {
      if (sequence > released) assert.equal(records.get(sequence), text)
    }
    assert.equal(new Set(records.values()).size, records.size)
    // What is there without an acknowledgement was written when the kill came. It has its number for good.
    for (const [sequence, text] of records) {
      assert.equal(acknowledged.get(sequence) ?? text, text)
      acknowledged.set(sequence, text)
    }
  }
})
