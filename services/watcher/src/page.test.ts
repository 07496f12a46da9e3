import assert from 'node:assert/strict'
import { test } from 'node:test'
import { renderPage } from './page.ts'
import type { Observation } from './verdict.ts'

const now = Date.UTC(2026, 4, 17, 12)
const evil = `<img src=x onerror="alert('1')">&`
const seen = (over: Partial<Observation> = {}): Observation => ({
  now,
  phase: 'ready',
  lastBeat: now,
  restarts: 2,
  known: {
    at: now - 4_000,
    spooled: 0,
    pendingWrites: 17,
    breaker: 'closed',
    lagMs: 1_500,
    caughtUp: false,
    rssBytes: 312_000_000,
    projects: [{ project: 'shop', sessions: 3_223, events: 9_999, lastEvent: '2015-05-20T21:05:15.000Z' }]
  },
  exits: [],
  address: 'http://127.0.0.1:7070',
  ...over
})

test('the page says what is the matter, and the last that was known with its age', () => {
  const page = renderPage(
    seen({ phase: 'down', exits: [{ at: '2026-05-17T11:59:00.000Z', code: null, signal: 'SIGKILL', upMs: 5_000 }] })
  )
  assert.match(page, /<title>Plimsoll: fail<\/title>/)
  assert.match(page, /SIGKILL/)
  assert.match(page, /Last known state \(4 s ago\)/)
  assert.match(page, /17 writes waiting; read side 1500 ms behind; 312 MB; restarts 2/)
  assert.match(page, /<td>shop<\/td><td>3,223<\/td><td>9,999<\/td>/)
  assert.match(page, /href="http:\/\/127\.0\.0\.1:7070"/)
})

test('the page is there before the platform ever reported', () => {
  const page = renderPage(seen({ phase: 'starting', known: undefined, address: undefined }))
  assert.match(page, /Last known state \(never\)/)
  assert.match(page, /has not reported yet/)
  assert.doesNotMatch(page, /Console:/)
})

test('the latest ten exits are listed, the last first', () => {
  const exits = Array.from({ length: 12 }, (_, n) => ({ at: `exit-${n}.`, code: n, signal: null, upMs: 1_000 }))
  const listed = [...renderPage(seen({ exits })).matchAll(/exit-(\d+)\./g)].map(match => Number(match[1]))
  assert.deepEqual(listed, [11, 10, 9, 8, 7, 6, 5, 4, 3, 2])
})

test('nothing that was reported becomes markup', () => {
  const known = seen().known!
  const page = renderPage(
    seen({
      known: { ...known, breaker: evil, projects: [{ project: evil, sessions: 1, events: 1, lastEvent: evil }] },
      exits: [{ at: evil, code: null, signal: evil, upMs: 1 }],
      address: `javascript:"${evil}`
    })
  )
  assert.doesNotMatch(page, /<img|onerror="|alert\('/)
  assert.ok(page.includes('&lt;img src=x onerror=&quot;alert(&#39;1&#39;)&quot;&gt;&amp;'))
  const down = renderPage(seen({ phase: 'down', exits: [{ at: evil, code: null, signal: evil, upMs: 1 }] }))
  assert.doesNotMatch(down, /<img/)
})
