import assert from 'node:assert/strict'
import { test } from 'node:test'
import { countOf, orderTiers, tierInk, tierName, tiersIn } from './tiers.ts'

test('plans go from small to large, plans of one’s own by name, what is not a plan last', () => {
  assert.deepEqual(orderTiers(['unknown', 'zeta', 'enterprise', 'none', 'free', 'alpha', 'pro']), [
    'free',
    'pro',
    'enterprise',
    'alpha',
    'zeta',
    'none',
    'unknown'
  ])
})

test('a tier without a session is left out', () => {
  assert.deepEqual(tiersIn([{ free: 2, pro: 0 }, { unknown: 1 }]), ['free', 'unknown'])
})

test('a tier with the name of what every object inherits is counted like any other', () => {
  assert.deepEqual(
    [countOf({}, 'constructor'), countOf({ constructor: 2 } as object as Record<string, number>, 'constructor')],
    [0, 2]
  )
  assert.deepEqual(tiersIn([{ free: 1 }, JSON.parse('{"__proto__": 3, "toString": 1}')]), [
    'free',
    '__proto__',
    'toString'
  ])
})

test('none and unknown are never mixed, and never take the colour of a plan', () => {
  const tiers = ['free', 'pro', 'none', 'unknown']
  assert.notEqual(tierName('none'), tierName('unknown'))
  assert.deepEqual(
    tiers.map(tier => tierInk(tier, tiers, 6)),
    [0, 1, 'none', 'unknown']
  )
})
