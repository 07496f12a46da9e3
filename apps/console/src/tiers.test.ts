import assert from 'node:assert/strict'
import { test } from 'node:test'
import { orderTiers, tierInk, tierName, tiersIn } from './tiers.ts'

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

test('none and unknown are never mixed, and never take the colour of a plan', () => {
  const tiers = ['free', 'pro', 'none', 'unknown']
  assert.notEqual(tierName('none'), tierName('unknown'))
  assert.deepEqual(
    tiers.map(tier => tierInk(tier, tiers, 6)),
    [0, 1, 'none', 'unknown']
  )
})
