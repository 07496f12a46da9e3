import { writeSync } from 'node:fs'
import { openRecorder } from './recorder.ts'
import { sampleOf } from './testing.ts'

/** Writes samples for ever, from the number after the given one, and says each once it is written: a test kills it. */
const [directory = '', after = '0'] = process.argv.slice(2)
let last = Number(after)
const recorder = openRecorder({ directory, source: 'platform', maxBytes: 480_000, files: 4 })

for (;;) {
  recorder.sample(sampleOf(++last))
  writeSync(1, `${last}\n`)
}
