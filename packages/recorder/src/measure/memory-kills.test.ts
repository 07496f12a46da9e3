import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { MemoryKills } from './memory-kills.ts'

/** The files of a kernel that counts. */
function kernel(t: TestContext, files: Record<string, string>) {
  const root = mkdtempSync(join(tmpdir(), 'plimsoll-kernel-'))
  t.after(() => rmSync(root, { recursive: true, force: true }))
  const write = (name: string, text: string) => {
    mkdirSync(dirname(join(root, name)), { recursive: true })
    writeFileSync(join(root, name), text)
  }
  for (const [name, text] of Object.entries(files)) write(name, text)
  return { kills: new MemoryKills(root), write }
}
const vmstat = (kills: number) => `pgfault 77\noom_kill ${kills}\ndrop_pagecache 0\n`

test('a kill of this moment counts, once, and an old one does not', t => {
  const { kills, write } = kernel(t, { 'proc/vmstat': vmstat(2) })
  assert.equal(kills.hasKilled(), false)
  write('proc/vmstat', vmstat(3))
  for (let second = 0; second < 2; second++) kills.look()
  assert.equal(kills.hasKilled(), false, 'it was two seconds ago')
  write('proc/vmstat', vmstat(4))
  kills.look()
  assert.equal(kills.hasKilled(), true, 'the look came between the kill and the news of it')
  assert.equal(kills.hasKilled(), false)
})

test('the count of the own control group goes before that of the machine', t => {
  const events = 'sys/fs/cgroup/user.slice/app.service/memory.events'
  const { kills, write } = kernel(t, {
    'proc/vmstat': vmstat(2),
    'proc/self/cgroup': '4:memory:/old\n0::/user.slice/app.service\n',
    [events]: 'low 0\noom 0\noom_kill 0\noom_group_kill 0\n'
  })
  write('proc/vmstat', vmstat(9))
  assert.equal(kills.hasKilled(), false)
  write(events, 'low 0\noom 1\noom_kill 1\noom_group_kill 0\n')
  assert.equal(kills.hasKilled(), true)
})

test('where nothing is counted nothing is said', t => {
  assert.equal(kernel(t, {}).kills.hasKilled(), undefined)
})
