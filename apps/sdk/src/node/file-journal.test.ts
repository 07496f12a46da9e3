import assert from 'node:assert/strict'
import { appendFileSync, existsSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { fileJournal, takeOver } from './file-journal.ts'

describe('a journal in a file', () => {
  let folder: string
  let path: string
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'plimsoll-journal-'))
    path = join(folder, 'a.queue')
  })
  afterEach(() => rmSync(folder, { recursive: true }))

  it('makes no file before the first line, and one for its user alone', () => {
    const journal = fileJournal(path)
    assert.equal(existsSync(path), false)
    journal.append('first')
    assert.equal(statSync(path).mode & 0o777, 0o600)
    assert.equal(journal.size, statSync(path).size)
    journal.close()
  })

  it('has each line in the file when it returns, and after its lines were replaced', () => {
    const journal = fileJournal(path)
    for (const line of ['one', 'zwölf']) journal.append(line)
    assert.equal(readFileSync(path, 'utf8'), 'one\nzwölf\n')
    journal.replace(['zwölf'])
    journal.append('three')
    assert.deepEqual(takeOver(path), ['zwölf', 'three'])
    assert.equal(journal.size, statSync(path).size)
    journal.replace([])
    assert.equal(statSync(path).size, 0)
    journal.erase()
    assert.equal(existsSync(path), false)
  })

  it('is taken over without the line that its owner did not finish, and can be added to', () => {
    const dead = fileJournal(path)
    dead.append('whole')
    dead.close()
    appendFileSync(path, '+{"id":"to')
    assert.deepEqual(takeOver(path), ['whole'])
    const next = fileJournal(path)
    next.append('more')
    next.close()
    assert.deepEqual(takeOver(path), ['whole', 'more'])
  })
})
