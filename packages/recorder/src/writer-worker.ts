import { writeSync } from 'node:fs'
import { dirname } from 'node:path'
import { openRecorder } from './recorder.ts'
import { inspect, sampleOf } from './testing.ts'

/** Writes samples for ever, from the number after the last, and says each number once it is written: a test kills it. */
const [directory = ''] = process.argv.slice(2)
let { last } = inspect(dirname(directory))
const recorder = openRecorder({ directory, source: 'platform', maxBytes: 480_000, files: 4 })

for (;;) {
  recorder.sample(sampleOf(++last))
  writeSync(1, `${last}\n`)
}
