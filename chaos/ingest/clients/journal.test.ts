import assert from 'node:assert/strict'
import { appendFileSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, it } from 'node:test'
import { planner } from '../plan.ts'
import { Journal } from './journal.ts'

const folder = mkdtempSync(join(tmpdir(), 'plimsoll-journal-'))
after(() => rmSync(folder, { recursive: true }))

describe('journal of a client that may be killed', () => {
  const file = join(folder, 'a.journal')
  const next = planner(1, 'a')
  const deliveries = [next(1_000, 0), next(2_000, 0)] as const

  it('knows after a kill what was planned, and what of it was done', () => {
    const journal = new Journal(file)
    assert.deepEqual(
      deliveries.map(delivery => journal.plan(delivery)),
      [0, 1]
    )
    journal.done(0)
    journal.close()
    const again = new Journal(file)
    assert.deepEqual(again.planned, deliveries)
    assert.deepEqual([...again.finished], [0])
    again.close()
  })

  it('cuts off half a line: what was not written whole was not sent', () => {
    const whole = readFileSync(file, 'utf8')
    appendFileSync(file, '{"plan":{"kind":"ev')
    const journal = new Journal(file)
    assert.equal(journal.planned.length, 2)
    journal.done(1)
    journal.close()
    assert.equal(readFileSync(file, 'utf8'), `${whole}{"done":1}\n`)
  })
})
