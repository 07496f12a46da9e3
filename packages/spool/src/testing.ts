import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { openSpool, type Spool } from './spool.ts'

/** A directory that goes when the test has ended. */
export function directoryFor(t: TestContext): string {
  const directory = mkdtempSync(join(tmpdir(), 'plimsoll-spool-'))
  t.after(() => rmSync(directory, { recursive: true, force: true }))
  return directory
}

/** Opens it, reads everything in small steps as a drain does, and closes it. Numbers must rise. */
export async function contentOf(directory: string): Promise<{ records: Map<number, string>; errors: Error[] }> {
  const errors: Error[] = []
  const spool = await openSpool({ directory, maxBytes: 100_000_000, onError: error => errors.push(error) })
  const records = await readAll(spool)
  await spool.close()
  return { records, errors }
}

export async function readAll(spool: Spool, limitRecords = 7): Promise<Map<number, string>> {
  const records = new Map<number, string>()
  for (let after = 0; ; ) {
    const step = await spool.read({ after, limitRecords })
    for (const { sequence, record } of step) {
      if (sequence <= after) throw new Error(`${sequence} came after ${after}`)
      records.set(sequence, record.toString())
      after = sequence
    }
    if (step.length === 0) return records
  }
}
