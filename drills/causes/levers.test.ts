import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { rules } from '@plimsoll/recorder'
import type { Fault } from './fault.ts'
import { faults, halves } from './faults.ts'

const root = fileURLToPath(new URL('../../', import.meta.url))
const commands = new Set(
  [...readFileSync(join(root, 'apps/cli/src/main.ts'), 'utf8').matchAll(/command\('([a-z-]+)'\)/g)].map(
    ([, name]) => name
  )
)

test('each lever has a page that is there', () => {
  for (const { name, lever } of rules) assert.ok(existsSync(join(root, lever.page)), `${name}: ${lever.page}`)
})

test('each command that a lever names is one of plimsoll', () => {
  assert.ok(commands.has('why'))
  for (const { name, lever } of rules)
    for (const [, command] of lever.action.matchAll(/npx plimsoll ([a-z-]+)/g))
      assert.ok(commands.has(command), `${name}: plimsoll ${command}`)
})

test('each lever is whole in a report, which cuts long texts', () => {
  for (const { name, lever } of rules) assert.ok(lever.action.length <= 400, `${name}: ${lever.action.length} letters`)
})

test('each lever says what to do by a command, or that nothing is to be done', () => {
  for (const { name, lever } of rules) assert.match(lever.action, /`|log of/, name)
})

test('each fault is one that a rule can name', () => {
  const names = new Set(rules.map(({ name }) => name))
  for (const [name, { cause }] of Object.entries<Fault>({ ...faults, ...halves }))
    assert.ok(names.has(cause.rule), `${name}: ${cause.rule}`)
})
