import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { text } from 'node:stream/consumers'
import { test } from 'node:test'

const undo = new URL('./undo.ts', import.meta.url).href
const program = `
import { undoWhenInterrupted } from '${undo}'
const put = word => async () => void process.stdout.write(word + ' ')
undoWhenInterrupted(put('mount'))
undoWhenInterrupted(put('kept'))()
undoWhenInterrupted(async () => { throw new Error('it is gone already') })
undoWhenInterrupted(put('process'))
process.stdout.write('begun ')
setInterval(() => undefined, 1_000)`

for (const signal of ['SIGINT', 'SIGTERM'] as const)
  test(`what was set up is undone at ${signal}, the last first, whatever fails of it`, async () => {
    const child = spawn(process.execPath, ['--input-type=module', '--eval', program])
    const exited = once(child, 'close')
    const errors = text(child.stderr)
    let said = ''
    child.stdout.on('data', chunk => {
      if (said === '') child.kill(signal)
      said += chunk
    })
    assert.deepEqual(await exited, [130, null])
    assert.equal(said, 'begun process mount ')
    assert.match(await errors, /putting things back\n {2}it is gone already/)
  })
