import assert from 'node:assert/strict'
import { test } from 'node:test'
import { defaultProject } from './project.ts'

const freshness = { asOf: '2026-03-10T14:00:00.000Z', lagMs: 0, complete: true, unknownShare: 0, stale: false }
const suggestedRange = { from: '2026-03-03T00:00:00.000Z', to: '2026-03-10T00:00:00.000Z' }
const project = (name: string, lastEvent: string | null) => ({
  project: name,
  sessions: lastEvent ? 1 : 0,
  events: lastEvent ? 1 : 0,
  firstEvent: lastEvent,
  lastEvent,
  suggestedRange
})
const opened = (...projects: ReturnType<typeof project>[]) => defaultProject({ projects, freshness })

test('one’s own data comes before the demo, however old it is', () => {
  const demo = project('demo', '2026-03-10T00:00:00.000Z')
  assert.equal(opened(demo, project('default', '2015-05-20T00:00:00.000Z')), 'default')
  assert.equal(opened(demo, project('default', null), project('shop', '2024-01-01T00:00:00.000Z')), 'shop')
  assert.equal(opened(demo, project('default', null)), 'demo')
})

test('of several own projects the one with the newest event opens', () => {
  assert.equal(opened(project('a', '2024-01-01T00:00:00.000Z'), project('b', '2025-01-01T00:00:00.000Z')), 'b')
})

test('an empty platform opens its empty project; before the list is there nothing is chosen', () => {
  assert.equal(opened(project('default', null)), 'default')
  assert.equal(opened(), 'default')
  assert.equal(defaultProject(undefined), undefined)
})
