import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { Exits } from './exits.ts'

const exit = (n: number) => ({
  at: `2026-05-17T12:00:${String(n).padStart(2, '0')}.000Z`,
  code: n,
  signal: null,
  upMs: n
})

function folder(t: TestContext): string {
  const path = mkdtempSync(join(tmpdir(), 'plimsoll-exits-'))
  t.after(() => rmSync(path, { recursive: true, force: true }))
  return path
}

test('exits outlive the one who kept them', t => {
  const path = join(folder(t), 'exits.json')
  const exits = new Exits(path)
  assert.deepEqual(exits.all, [])
  exits.add(exit(1))
  exits.add({ ...exit(2), code: null, signal: 'SIGKILL' })
  assert.deepEqual(new Exits(path).all, [exit(1), { ...exit(2), code: null, signal: 'SIGKILL' }])
})

test('the last fifty are kept', t => {
  const path = join(folder(t), 'exits.json')
  const exits = new Exits(path)
  for (let n = 0; n < 53; n++) exits.add(exit(n))
  assert.deepEqual([exits.all.length, exits.all[0], exits.all.at(-1)], [50, exit(3), exit(52)])
  assert.deepEqual(new Exits(path).all, exits.all)
})

test('a file that is missing, cut short or of something else is no exits, and is written anew', t => {
  const directory = folder(t)
  const path = join(directory, 'exits.json')
  const contents = [
    '',
    '[{"at": "20',
    '{"at": 1}',
    'null',
    JSON.stringify([null, 7, {}, { at: 1, code: 0, signal: null, upMs: 1 }])
  ]
  for (const content of contents) {
    writeFileSync(path, content)
    const exits = new Exits(path)
    assert.deepEqual(exits.all, [], content)
    exits.add(exit(1))
    assert.deepEqual(JSON.parse(readFileSync(path, 'utf8')), [exit(1)])
  }
  writeFileSync(path, JSON.stringify([{ at: 'x' }, exit(1)]))
  assert.deepEqual(new Exits(path).all, [exit(1)], 'what is an exit among it is kept')
  assert.deepEqual(readdirSync(directory), ['exits.json'], 'and nothing is left beside it')
})

test('a disk that takes no more does not keep an exit from being known', t => {
  const path = join(folder(t), 'exits.json')
  mkdirSync(`${path}.new`)
  const exits = new Exits(path)
  exits.add(exit(1))
  assert.deepEqual(exits.all, [exit(1)])
})
