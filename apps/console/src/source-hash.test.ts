import assert from 'node:assert/strict'
import { mkdir, mkdtemp, rm, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { sourceHash } from './source-hash.ts'

test('the hash follows contents and names of sources, and nothing else', async t => {
  const folder = await mkdtemp(join(tmpdir(), 'console-hash-'))
  t.after(() => rm(folder, { recursive: true }))
  await mkdir(join(folder, 'src/cards'), { recursive: true })
  await writeFile(join(folder, 'index.html'), '<html>')
  await writeFile(join(folder, 'src/cards/a.ts'), 'a')
  const first = await sourceHash(folder)

  await utimes(join(folder, 'index.html'), 1, 1)
  await writeFile(join(folder, 'src/cards/a.test.ts'), 'a test')
  await mkdir(join(folder, 'dist'))
  await writeFile(join(folder, 'dist/index.html'), 'built')
  assert.equal(await sourceHash(folder), first, 'times, tests and output do not count')

  await writeFile(join(folder, 'src/cards/a.ts'), 'b')
  const second = await sourceHash(folder)
  assert.notEqual(second, first)
  await writeFile(join(folder, 'src/cards/b.ts'), '')
  assert.notEqual(await sourceHash(folder), second, 'an empty file is a file')
})
