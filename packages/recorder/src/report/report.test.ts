import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { describe, it } from 'node:test'
import type { Diagnosis, Finding } from '../diagnosis/diagnosis.ts'
import type { BlackBoxRecord } from '../record.ts'
import { bounds } from './bounds.ts'
import { incidentAt, incidentBetween } from './gather.ts'
import { reportHtml } from './html.ts'
import type { Incident } from './incident.ts'
import { lossesOf } from './losses.ts'
import { reportMarkdown } from './markdown.ts'

const noon = Date.UTC(2026, 10, 28, 12)
const lever = {
  name: 'circuit breaker',
  action: 'It opens by itself. Ask whoever runs metadata; `npx plimsoll config` shows the timeout in force.',
  page: 'docs/patterns/circuit-breaker.md'
}
const pool: Finding = {
  rule: 'full-pool',
  subject: 'primary',
  title: 'All connections to the store primary are taken',
  evidence: [{ at: noon + 5_000, text: '40 statements wait', series: 'store.primary.waiting' }],
  cost: 'Writes wait.',
  lever,
  since: noon + 3_000,
  symptoms: []
}
const slow: Finding = {
  rule: 'slow-dependency',
  subject: 'metadata',
  title: 'metadata answers slowly',
  evidence: [
    {
      at: noon + 4_000,
      text: 'answers of metadata take 812 ms at p99; in the ten minutes before it was 6 ms',
      series: 'dependency.metadata.p99',
      before: 6,
      now: 812
    }
  ],
  cost: 'Sessions are stored with enrichment unknown; none is lost.',
  lever,
  since: noon,
  symptoms: [pool]
}
const limits = [
  { what: 'disk of the data folder', used: 90e9, limit: 100e9, unit: 'bytes', share: 0.9, reachedAt: noon + 7_200_000 },
  { what: 'time that metadata may take', used: 812, limit: 100, unit: 'ms', share: 8.12 }
]
const judged = (over: Partial<Diagnosis> = {}): Diagnosis => ({
  at: noon + 60_000,
  state: 'degraded',
  summary: 'Not as it should be since 12:00:00 UTC. metadata answers slowly.',
  causes: [slow],
  limits,
  lastHeard: { platform: noon + 60_000, watcher: noon + 59_000 },
  ...over
})

/** A quarter of an hour of samples, slow from noon on, with a breaker that opens three seconds later. */
function records(): BlackBoxRecord[] {
  const all: BlackBoxRecord[] = []
  for (let at = noon - 14 * 60_000; at <= noon + 60_000; at += 1_000) {
    const ill = at >= noon
    all.push({
      kind: 'sample',
      at,
      source: 'platform',
      values: {
        'dependency.metadata.p99': ill ? 812 : 6,
        'store.primary.waiting': ill ? 40 : 0,
        'ingest.accepted': 100,
        'ingest.unknown': ill ? 10 : 0
      }
    })
    all.push({ kind: 'sample', at, source: 'watcher', values: { 'platform.phase': 1 } })
    if (at === noon + 3_000)
      all.push({
        kind: 'occurrence',
        at,
        source: 'platform',
        name: 'breaker',
        subject: 'metadata',
        detail: { from: 'closed', to: 'open', why: 'slow' }
      })
  }
  all.push({ kind: 'occurrence', at: noon, source: 'platform', name: 'drill', subject: 'slow-metadata' })
  return all
}
const incident = (over: Partial<Diagnosis> = {}): Incident => incidentAt(records(), noon + 60_000, () => judged(over))

/** Every element that is opened is closed, in order: enough of a parser for what is written here. */
function assertWellFormed(page: string): void {
  const empty = new Set(['meta', 'link', '!doctype', 'br'])
  const open: string[] = []
  for (const [, close, name, rest] of page.matchAll(/<(\/?)([!a-z][a-z0-9]*)((?:[^<>"]|"[^"<]*")*)>/gi)) {
    if (close) assert.equal(open.pop(), name, `</${name}>`)
    else if (!rest!.endsWith('/') && !empty.has(name!.toLowerCase())) open.push(name!)
  }
  assert.deepEqual(open, [])
  const withoutTags = page
    .replace(/<style>.*<\/style>/s, '')
    .replace(/<(\/?)([!a-z][a-z0-9]*)((?:[^<>"]|"[^"<]*")*)>/gi, '')
  const stray = /.{0,40}[<>].{0,40}/.exec(withoutTags)
  assert.equal(stray?.[0], undefined, 'nothing else looks like a tag')
}

describe('the report of an incident', () => {
  it('says the cause, how it is known, what it costs, what to do and what follows, in both forms', () => {
    const page = reportHtml(incident())
    assertWellFormed(page)
    const text = page.replace(/<style>.*<\/style>/s, '').replace(/<[^>]*>/g, '')
    const marked = reportMarkdown(incident())
    for (const one of [
      'metadata answers slowly',
      'answers of metadata take 812 ms',
      'Sessions are stored with enrichment unknown',
      'What to do: circuit breaker',
      'All connections to the store primary are taken',
      'circuit breaker of metadata: closed → open: slow',
      'disk of the data folder',
      '90 GB of 100 GB',
      '610 sessions were stored with enrichment “unknown”',
      '6,100 events were accepted'
    ]) {
      assert.ok(text.includes(one), `page: ${one}`)
      assert.ok(marked.includes(one), `Markdown: ${one}`)
    }
    assert.match(page, /<code>npx plimsoll config<\/code>/)
    assert.match(marked, /`npx plimsoll config`/)
  })

  it('tells once what comes again and again, and the causes among what happened', () => {
    const errors = Array.from(
      { length: 8 },
      (_, n): BlackBoxRecord => ({
        kind: 'occurrence',
        at: noon + 20_000 + n * 1_000,
        source: 'platform',
        name: 'error',
        subject: 'http',
        detail: { code: 'overloaded', message: 'come again', count: 10 + n }
      })
    )
    const marked = reportMarkdown(incidentAt([...records(), ...errors], noon + 60_000, () => judged()))
    assert.match(marked, /12:00:20 error in http \(overloaded\): come again, 108 times, until 12:00:27/)
    assert.match(marked, /12:00:00 cause: metadata answers slowly/)
    assert.equal(marked.match(/error in http/g)?.length, 1)
  })

  it('draws the series of the evidence, the symptoms’ too, with the fault shaded and what happened marked', () => {
    const page = reportHtml(incident())
    const captions = [...page.matchAll(/<figcaption>(.*?) <span/g)].map(([, caption]) => caption)
    assert.deepEqual(captions, [
      'time of an answer of metadata (99 of 100 were faster)',
      'store primary: statements waiting for a connection'
    ])
    // From a quarter of an hour before the moment that is judged: noon is at 14 of 15 minutes.
    assert.match(page, /<rect class="fault" x="93.33%" y="0" width="6.7%"/)
    assert.match(page, /<line class="mark" x1="93.67%"/)
    assert.match(page, /<text class="tick" x="4" y="12">812 ms<\/text>/)
    assert.match(reportMarkdown(incident()), /\| time of an answer of metadata .* \| 6 ms \| 812 ms \| 812 ms \|/)
  })

  it('never shows what a drill did: it is read by someone who has to find out', () => {
    assert.doesNotMatch(reportHtml(incident()) + reportMarkdown(incident()), /slow-metadata/)
  })

  it('explains the words of the trade that are on it, and no others', () => {
    for (const report of [reportHtml(incident()), reportMarkdown(incident())]) {
      assert.match(report, /A switch before calls to a neighbour/)
      assert.match(report, /The time within which 99 of 100 answers came/)
      assert.doesNotMatch(report, /A server that keeps messages/)
    }
  })

  it('breaks a line where nothing was measured', () => {
    const holed = records().filter(({ at }) => at < noon - 300_000 || at > noon - 120_000)
    const page = reportHtml(incidentAt(holed, noon + 60_000, () => judged()))
    assert.match(page, /class="line"[^>]* d="M[^"]*M/)
  })

  it('is a file that needs nothing else, under a policy that allows its own style alone', () => {
    const page = reportHtml(incident())
    const [, style] = /<style>(.*)<\/style>/s.exec(page)!
    assert.ok(page.includes(`style-src 'sha256-${createHash('sha256').update(style!).digest('base64')}'`))
    assert.doesNotMatch(page, /<script|<link|<img|<iframe| style=| on\w+=|https?:\/\//)
  })

  it('says so when nothing is wrong, and when nobody knows what is', () => {
    const healthy = judged({ state: 'healthy', causes: [], summary: 'Healthy.' })
    const well = incidentAt(records(), noon - 60_000, () => healthy)
    assertWellFormed(reportHtml(well))
    assert.match(reportMarkdown(well), /Nothing is wrong/)
    const nothing = incidentAt([], noon, () => judged({ state: 'unknown', causes: [], limits: [], lastHeard: {} }))
    assertWellFormed(reportHtml(nothing))
    assert.match(reportMarkdown(nothing), /No rule knows a cause/)
  })
})

describe('whatever was recorded', () => {
  const evil = '<img src=x onerror="alert(1)">&\'`\u202e\u0000](javascript:alert(1))|# **b** http://evil.example/'
  const deep = (depth: number): Finding => ({
    ...slow,
    title: evil,
    subject: evil,
    cost: evil,
    lever: { name: evil, action: evil, page: evil },
    evidence: Array.from({ length: 50 }, (_, n) => ({ at: Number.NaN, text: evil.repeat(50), series: `${evil}.${n}` })),
    symptoms: depth === 0 ? [] : Array.from({ length: 12 }, () => deep(depth - 1))
  })
  const hostile: Incident = {
    diagnosis: judged({
      summary: evil.repeat(1_000),
      causes: Array.from({ length: 30 }, () => deep(2)),
      limits: Array.from({ length: 50 }, () => ({ ...limits[0]!, what: evil, unit: evil, share: Number.NaN }))
    }),
    records: Array.from({ length: 5_000 }, (_, n): BlackBoxRecord[] => [
      { kind: 'occurrence', at: noon + n, source: 'platform', name: evil, subject: evil, detail: { [evil]: evil } },
      {
        kind: 'sample',
        at: noon + n,
        source: 'platform',
        values: Object.fromEntries(Array.from({ length: 12 }, (_, m) => [`${evil}.${m}`, n % 7 ? n : 1e308]))
      }
    ]).flat(),
    from: noon,
    to: noon + 5_000
  }

  it('never becomes markup', () => {
    const page = reportHtml(hostile)
    assertWellFormed(page)
    assert.doesNotMatch(page.replace(/"[^"]*"/g, '""'), /<img|<[^>]* onerror=/)
    assert.doesNotMatch(page, /\u202e|NaN|Infinity/)
    const marked = reportMarkdown(hostile)
    assert.doesNotMatch(marked, /<img|\u202e|https?:\/\//)
    assert.doesNotMatch(marked, /(?<!\\)\]\(|(?<![\\*])\*\*b/, 'neither a link nor bold')
  })

  it('makes no report without an end', () => {
    const page = reportHtml(hostile)
    assert.ok(page.length < 1_000_000, `${page.length} characters`)
    assert.ok(reportMarkdown(hostile).length < 1_000_000)
    assert.equal([...page.matchAll(/<article class="cause">/g)].length, bounds.causes)
    assert.ok([...page.matchAll(/<figure/g)].length <= bounds.charts)
    assert.match(page, /20 more are not shown/)
  })
})

describe('a report of a stretch of time', () => {
  const { symptoms: _, ...alone } = slow
  const at = (records: readonly BlackBoxRecord[], at: number): Diagnosis => {
    const since = (one: Finding) => (at >= one.since ? [one] : [])
    if (at < noon) return judged({ at, state: 'healthy', causes: [], summary: 'Healthy.' })
    // The pool is thought a cause at first, and known as a symptom later; metadata is well again after thirty seconds.
    if (at < noon + 20_000) return judged({ at, causes: [pool].flatMap(since) })
    if (at <= noon + 40_000) return judged({ at, causes: [{ ...alone, symptoms: [pool] }] })
    assert.ok(records.length > 0)
    return judged({ at, state: 'healthy', causes: [{ ...alone, symptoms: [pool], until: noon + 30_000 }] })
  }

  it('tells each cause once, from its first moment to its last, and no symptom as a cause', () => {
    const { diagnosis } = incidentBetween(records(), { from: noon - 60_000, to: noon + 60_000 }, at)
    assert.deepEqual(
      diagnosis.causes.map(({ rule, since, until }) => [rule, since, until]),
      [['slow-dependency', noon, noon + 40_000]]
    )
    assert.equal(diagnosis.state, 'degraded')
  })

  it('tells a cause of hours though for a moment something else explained it, and no symptom for having been told first', () => {
    const hour = 3_600_000
    const blocked: Finding = { ...slow, rule: 'event-loop-blocked', subject: 'main loop', symptoms: [] }
    const judge = (_: readonly BlackBoxRecord[], at: number): Diagnosis => {
      const since = noon + hour
      const lasting = { ...alone, symptoms: [] }
      const held = { ...pool, since: since - 10_000 }
      if (at >= since && at < since + 60_000)
        return judged({ at, causes: [{ ...blocked, since, symptoms: [{ ...lasting, since }, held] }] })
      if (at >= since + 60_000 && at < since + 120_000)
        return judged({ at, causes: [lasting, { ...held, until: since }] })
      return judged({ at, causes: [lasting] })
    }
    const { diagnosis } = incidentBetween(records(), { from: noon, to: noon + 2 * hour }, judge)
    assert.deepEqual(
      diagnosis.causes.map(({ rule, since, until }) => [rule, since, until]),
      [
        ['slow-dependency', noon, undefined],
        ['event-loop-blocked', noon + hour, noon + hour]
      ]
    )
  })

  it('leaves open what goes on at its end', () => {
    const { diagnosis } = incidentBetween(records(), { from: noon - 60_000, to: noon + 40_000 }, at)
    assert.equal(diagnosis.causes[0]?.until, undefined)
  })
})

describe('what was lost', () => {
  it('counts the silence of a platform that the watcher outlived as lost, and nothing when both were silent', () => {
    const dead = records().filter(({ source, at }) => source === 'watcher' || at < noon)
    const lost = (from: readonly BlackBoxRecord[]) =>
      lossesOf(incidentAt(from, noon + 60_000, () => judged())).filter(({ kind }) => kind === 'lost')
    assert.match(lost(dead)[0]!.text, /For 60 s the platform recorded nothing/)
    assert.deepEqual(lost(records()), [])
    assert.deepEqual(lost(records().filter(({ at }) => at < noon)), [])
  })
})
