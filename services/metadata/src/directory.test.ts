import assert from 'node:assert/strict'
import { test } from 'node:test'
import { DirectoryFull, demoDirectory, firstOf, memoryDirectory, type UserDirectory } from './directory.ts'

const ids = Array.from({ length: 20_000 }, (_, n) => `demo-user-${String(n).padStart(6, '0')}`)
const gold = { tier: 'gold', region: 'north', flags: {} }

function shares(values: string[]): Record<string, number> {
  const counts: Record<string, number> = {}
  for (const value of values) counts[value] = (counts[value] ?? 0) + 1 / values.length
  return counts
}

const near = (actual: number | undefined, expected: number) =>
  assert.ok(Math.abs((actual ?? 0) - expected) < 0.015, `${actual} is not near ${expected}`)

test('demo users have the tiers and regions of a believable product', async () => {
  const found = await demoDirectory({ seed: 7 }).lookup(ids)
  near(1 - found.size / ids.length, 0.01)
  const known = [...found.values()].filter(metadata => metadata !== null)
  const tiers = shares(known.map(({ tier }) => tier))
  near(tiers.free, 0.62)
  near(tiers.pro, 0.27)
  near(tiers.team, 0.08)
  near(tiers.enterprise, 0.03)
  const regions = shares(known.map(({ region }) => region))
  near(regions['eu-west'], 0.38)
  near(regions['us-east'], 0.34)
  near(regions['ap-south'], 0.18)
  near(regions['sa-east'], 0.1)
  const flags = shares(known.map(({ flags }) => String(Object.keys(flags).length)))
  assert.deepEqual(Object.keys(flags).sort(), ['0', '1', '2', '3'])
})

test('a demo user is the same in every run, and another one under another seed', async () => {
  const [a, again, other] = await Promise.all([7, 7, 8].map(seed => demoDirectory({ seed }).lookup(ids.slice(0, 100))))
  assert.deepEqual(a, again)
  assert.notDeepEqual(a, other)
})

test('nobody else is in the demo directory', async () => {
  const found = await demoDirectory({ seed: 7 }).lookup(['demo-user-', 'u_1', '', 'Demo-user-000001'])
  assert.equal(found.size, 0)
})

test('what is put is found until it is removed', async () => {
  const directory = memoryDirectory()
  await directory.put('a', gold)
  assert.deepEqual(await directory.lookup(['a', 'b']), new Map([['a', gold]]))
  assert.equal(await directory.remove('a'), true)
  assert.equal(await directory.remove('a'), false)
  assert.equal((await directory.lookup(['a'])).size, 0)
})

test('a full directory refuses a new user and still changes one it has', async () => {
  const directory = memoryDirectory({ capacity: 1 })
  await directory.put('a', gold)
  await assert.rejects(directory.put('b', gold), DirectoryFull)
  await directory.put('a', { ...gold, tier: 'silver' })
  assert.equal((await directory.lookup(['a'])).get('a')?.tier, 'silver')
})

test('the first directory that knows a user answers, and the next is asked only for the rest', async () => {
  const asked: string[][] = []
  const second: UserDirectory = {
    lookup: async userIds => {
      asked.push(userIds)
      return new Map(userIds.filter(id => id !== 'c').map(id => [id, { ...gold, tier: 'second' }]))
    }
  }
  const first = memoryDirectory()
  const both = firstOf(first, second)
  await both.put?.('a', gold)
  const found = await both.lookup(['a', 'b', 'c'])
  assert.deepEqual(
    [...found].map(([id, metadata]) => [id, metadata?.tier]),
    [
      ['a', 'gold'],
      ['b', 'second']
    ]
  )
  assert.deepEqual(asked, [['b', 'c']])
  await both.lookup(['a'])
  assert.equal(asked.length, 1)
})

test('one who is known to have no metadata is not asked for further on', async () => {
  const both = firstOf({ lookup: async () => new Map([['a', null]]) }, memoryDirectory())
  await both.put?.('a', gold)
  assert.deepEqual(await both.lookup(['a']), new Map([['a', null]]))
})

test('directories that can only be read stay so when chained', () => {
  const chained = firstOf(demoDirectory({ seed: 1 }), demoDirectory({ seed: 2 }))
  assert.equal(chained.put, undefined)
  assert.equal(chained.remove, undefined)
})
