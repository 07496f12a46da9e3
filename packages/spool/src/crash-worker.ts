import { writeSync } from 'node:fs'
import { openSpool } from './spool.ts'

/** Appends, reads and releases for ever, saying each thing once it is true: a test kills it at some moment. */
const [directory = '', run = ''] = process.argv.slice(2)
const spool = await openSpool({ directory, maxBytes: 50_000_000, segmentBytes: 2_000 })

for (let round = 0; ; round++) {
  const appended = Array.from({ length: 1 + (round % 7) }, async (_, i) => {
    const text = `${run}/${round}/${i}/${'.'.repeat((round * 13) % 300)}`
    const sequence = await spool.append(Buffer.from(text))
    writeSync(1, `+ ${sequence} ${text}\n`)
  })
  await Promise.all(appended)
  if (round % 5 !== 0) continue
  const [first] = await spool.read({ after: 0, limitRecords: 1 })
  const upTo = (first?.sequence ?? 0) + 3
  // Said before, for it may be on the disk before it is over.
  writeSync(1, `- ${upTo}\n`)
  await spool.release(upTo)
}
