import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { before, describe, it } from 'node:test'
import { drawStory } from './picture.ts'
import { type Curves, meanOf, playStory, story } from './simulation.ts'

describe('the story: two hundred workers, and metadata goes from 5 ms to 800 ms', () => {
  let withPolicies: Curves
  let without: Curves
  before(async () => {
    withPolicies = await playStory(true)
    without = await playStory(false)
  })
  const kept = (curve: readonly number[]) => meanOf(curve, 'slow') / meanOf(curve, 'healthy')
  const worstHealth = ({ healthMs }: Curves) =>
    Math.max(...healthMs.slice(story.secondsHealthy, story.secondsHealthy + story.secondsSlow))

  it('without the policies is a hundredfold collapse, of the dashboard too, and select 1 waits with the rest', () => {
    assert.ok(kept(without.sessions) < 1 / 100, `sessions ${kept(without.sessions)}`)
    assert.ok(kept(without.dashboard) < 1 / 100, `dashboard ${kept(without.dashboard)}`)
    assert.ok(worstHealth(without) > 5_000, `select 1 took ${worstHealth(without)} ms`)
  })

  it('with them keeps 95 % of the sessions and of the dashboard, and select 1 is quick', () => {
    assert.ok(kept(withPolicies.sessions) >= 0.95, `sessions ${kept(withPolicies.sessions)}`)
    assert.ok(kept(withPolicies.dashboard) >= 0.95, `dashboard ${kept(withPolicies.dashboard)}`)
    assert.ok(worstHealth(withPolicies) < 200, `select 1 took ${worstHealth(withPolicies)} ms`)
  })

  it('is drawn as the page shows it; `npm run picture` draws it anew', () => {
    const page = readFileSync(new URL('../../docs/patterns/circuit-breaker.svg', import.meta.url), 'utf8')
    assert.equal(page, drawStory({ withPolicies, without }))
  })
})
