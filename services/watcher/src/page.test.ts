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

const dashboard = {
  project: 'shop',
  range: { from: '2026-05-10T00:00:00.000Z', to: '2026-05-17T00:00:00.000Z' },
  asOf: '2026-05-17T11:59:30.000Z',
  complete: true,
  active: { now: 4, last24h: 90 },
  sessions: 1_234,
  users: 321,
  byTier: [['pro', 34]] as [string, number][],
  byDay: [
    ['2026-05-16', 10],
    ['2026-05-17', 5]
  ] as [string, number][],
  features: [{ feature: 'export', uses: 7, users: 3, errorRate: 0.125, p95: 41 }]
}
const withDashboard = (over: object = {}) =>
  seen({ known: { ...seen().known!, dashboards: [{ ...dashboard, ...over }] } })

test('the last good dashboard is shown with its age, and only to whoever may see it', () => {
  const page = renderPage(withDashboard())
  assert.match(page, /data-testid="dashboard-age">30 s ago</)
  assert.match(page, /<b>1,234<\/b>sessions/)
  assert.match(page, /<td>export<\/td><td>7<\/td><td>3<\/td><td>12.5 %<\/td>/)
  assert.equal([...page.matchAll(/<rect /g)].length, 2)
  const hidden = renderPage(withDashboard(), { numbers: false })
  assert.doesNotMatch(hidden, /1,234|export|shop/)
  assert.match(hidden, /Sign in to the console/)
})

test('what a look said is on the page, with the words at its end and the incidents that were', () => {
  const cause = {
    rule: 'r',
    subject: 's',
    title: evil,
    cost: '',
    lever: { name: '', action: '', page: '' },
    since: now,
    evidence: []
  }
  const incident = { id: '1', since: now - 60_000, openedAt: now, cause, also: [], before: [] }
  const page = renderPage(seen(), {
    look: {
      at: now,
      diagnosis: { at: now, state: 'healthy', summary: '', causes: [], limits: [], lastHeard: {} },
      page: { sections: '<p>it is the pool</p>', glossary: '<dl>pool</dl>' },
      tookMs: 1
    },
    incidents: { open: incident, past: [{ ...incident, closedAt: now }] }
  })
  assert.match(page, /it is the pool[\s\S]*Last good dashboard[\s\S]*Last incidents[\s\S]*<dl>pool<\/dl>/)
  assert.match(page, /<td>2026-05-17 11:59:00<\/td><td>goes on<\/td>/)
  assert.doesNotMatch(page, /<img|onerror="|<script|<style| style=/)
})

test('nothing of a dashboard becomes markup either', () => {
  const page = renderPage(
    withDashboard({
      project: evil,
      asOf: evil,
      byTier: [[evil, 1]],
      byDay: [[evil, 1]],
      features: [{ ...dashboard.features[0], feature: evil }]
    })
  )
  assert.doesNotMatch(page, /<img|onerror="|alert\('/)
  assert.match(page, /of unknown age/)
})
