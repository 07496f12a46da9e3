import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { readFile, writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { gzipSync } from 'node:zlib'
import type { StartedPlatform } from '@plimsoll/bench'
import { eventually, launchChromium, noChromium } from '@plimsoll/bench/end-to-end'
import type { Dashboard } from '@plimsoll/service-analytics/contract'
import type { Stats } from '../commands/stats.ts'
import { type Expected, generateAccessLog } from './access-log-generator.ts'
import { figuresOf, openPage } from './browser.ts'
import { type Home, newHome } from './home.ts'
import { lastJson, runCli } from './run-cli.ts'

/** Four days of a real web server, when it lies beside the repository. */
const history = resolve(import.meta.dirname, '../../../../../shared/data/access.log')
const ofHistory: Expected = {
  lines: 10_000,
  accepted: 9_999,
  refusedLine: 8_899,
  sessions: 3_223,
  users: 1_861,
  statusClasses: { '2xx': 9_170, '3xx': 609, '4xx': 217, '5xx': 3 },
  sessionsByDay: { '2015-05-17': 546, '2015-05-18': 1_029, '2015-05-19': 852, '2015-05-20': 796 },
  features: { presentations: 2_305 }
}
const generated = generateAccessLog({ seed: 1, users: 120, sessionsPerUser: 4, linesPerSession: 5 })

interface Imported {
  lines: number
  accepted: number
  duplicate: number
  refused: number
  refusals: { file: string; line: number; code: string; detail: string }[]
  sessions: number
  users: number
  statusClasses: Record<string, number>
  sessionsByDay: Record<string, number>
  topFeatures: { feature: string; uses: number }[]
  stored: Stats | null
}

describe('plimsoll import', () => {
  let home: Home
  let platform: StartedPlatform
  let log: string

  before(async () => {
    home = await newHome()
    platform = await home.start()
    log = join(home.data, 'generated.log')
    await writeFile(log, generated.text)
  })
  after(async () => {
    await platform?.stop()
    await home?.remove()
  })

  const importInto = (project: string, file: string, input?: Buffer) =>
    runCli(home, ['import', file, '--project', project, '--json'], input ? { input } : {})
  const statsOf = async (project: string) =>
    lastJson<Stats>(await runCli(home, ['stats', '--project', project, '--json']))

  /** The same figures from the import, from `stats` and from the dashboard API. */
  async function assertImported(project: string, file: string, expected: Expected): Promise<void> {
    const ran = await importInto(project, file)
    assert.equal(ran.code, 3, ran.stderr)
    const imported = lastJson<Imported>(ran)
    const { lines, accepted, duplicate, refused } = imported
    assert.deepEqual(
      { lines, accepted, duplicate, refused },
      { lines: expected.lines, accepted: expected.accepted, duplicate: 0, refused: 1 }
    )
    assert.deepEqual(
      imported.refusals.map(({ file, line, code }) => ({ file, line, code })),
      [{ file, line: expected.refusedLine, code: 'malformed_line' }]
    )
    assertFigures(imported, expected)
    assert.ok(imported.stored, 'the read side had counted everything when the import ended')
    assertFigures(imported.stored, expected)

    const stats = await statsOf(project)
    assert.deepEqual(withoutTimes(stats), withoutTimes(imported.stored))
    assert.equal(stats.usersError, 0)
    assert.deepEqual(
      [stats.ledger.accepted, stats.ledger.counted, stats.ledger.pending, stats.ledger.balanced],
      [expected.accepted, expected.accepted, 0, true]
    )

    // Without a range, as the console asks at first: it opens on the data's own.
    const dashboard = await platform.get<Dashboard>(`/v1/dashboard?project=${project}`)
    assertFigures(
      {
        ...dashboard.sessions,
        sessions: dashboard.sessions.total,
        statusClasses: dashboard.statusClasses,
        sessionsByDay: Object.fromEntries(dashboard.sessions.byDay.map(({ day, sessions }) => [day, sessions])),
        topFeatures: dashboard.features
      },
      expected
    )
  }

  test('every line of a log is counted once, and the one that cannot be read is named', async () => {
    await assertImported('generated', log, generated.expected)
  })

  test('the same lines again, in whatever wrapping, add nothing', async () => {
    const first = await statsOf('generated')
    const gz = join(home.data, 'generated.gz')
    await writeFile(gz, gzipSync(generated.text))
    const ways: [file: string, input?: Buffer][] = [
      [log],
      [gz],
      ['-', Buffer.from(generated.text)],
      ['-', gzipSync(generated.text)]
    ]
    for (const [file, input] of ways) {
      const ran = await importInto('generated', file, input)
      assert.equal(ran.code, 3, ran.stderr)
      const { accepted, duplicate, refused, stored } = lastJson<Imported>(ran)
      assert.deepEqual(
        { accepted, duplicate, refused },
        { accepted: 0, duplicate: generated.expected.accepted, refused: 1 }
      )
      assert.ok(stored)
      assertFigures(stored, generated.expected)
    }
    const last = await statsOf('generated')
    const { accepted } = generated.expected
    assert.deepEqual(withoutTimes(last), {
      ...withoutTimes(first),
      ledger: { ...withoutTimes(first).ledger, received: accepted * 5, duplicate: accepted * 4 }
    })
  })

  test('a log in two halves, in either order, gives the sessions of the whole', async () => {
    const text = existsSync(history) ? await readFile(history, 'utf8') : generated.text
    const expected = existsSync(history) ? ofHistory : generated.expected
    const lines = text.split('\n')
    const cut = Math.floor(lines.length / 2)
    const halves = [lines.slice(0, cut), lines.slice(cut)].map(half => half.join('\n'))
    for (const [project, order] of [
      ['halves', halves],
      ['halves-turned', halves.toReversed()]
    ] as const) {
      for (const half of order) assert.notEqual((await importInto(project, '-', Buffer.from(half))).code, 1)
      assertFigures(await statsOf(project), expected)
    }
  })

  if (existsSync(history)) {
    test('four days of a real web server come to what they are known to be', async t => {
      await assertImported('history', history, ofHistory)
      const again = lastJson<Imported>(await importInto('history', history))
      assert.deepEqual([again.accepted, again.duplicate, again.refused], [0, ofHistory.accepted, 1])
      assert.ok(again.stored)
      assertFigures(again.stored, ofHistory)
      t.diagnostic(`read ${(await readFile(history)).length} bytes twice`)
    })
  }

  test('the page in a real browser shows the same figures', { skip: noChromium }, async () => {
    const [project, expected, times] = existsSync(history)
      ? (['history', ofHistory, 2] as const)
      : (['generated', generated.expected, 5] as const)
    const figures = {
      'sessions-in-range': expected.sessions,
      'sessions-total': expected.sessions,
      'users-total': expected.users,
      ...withPrefix('status-', expected.statusClasses),
      ...withPrefix('day-', expected.sessionsByDay),
      ...Object.fromEntries(Object.entries(expected.features).map(([name, uses]) => [`feature-${name}-uses`, uses])),
      'ledger-received': expected.accepted * times,
      'ledger-accepted': expected.accepted,
      'ledger-duplicate': expected.accepted * (times - 1),
      'ledger-rejected': 0,
      'ledger-counted': expected.accepted,
      'ledger-pending': 0
    }
    const browser = await launchChromium()
    try {
      const { page, faults } = await openPage(await browser.newContext())
      await page.goto(platform.signInLink)
      await page.getByTestId('project-picker').selectOption(project)
      await eventually(async () => assert.deepEqual(await figuresOf(page, Object.keys(figures)), figures))
      assert.equal(await page.getByTestId('ledger-verdict').getAttribute('data-value'), 'balanced')
      assert.deepEqual(faults, [])
    } finally {
      await browser.close()
    }
  })
})

type Figures = Pick<Imported, 'sessions' | 'users' | 'statusClasses' | 'sessionsByDay' | 'topFeatures'>

function assertFigures(figures: Figures, expected: Expected): void {
  const uses = Object.fromEntries(figures.topFeatures.map(({ feature, uses }) => [feature, uses]))
  assert.deepEqual(
    {
      sessions: figures.sessions,
      users: figures.users,
      statusClasses: Object.fromEntries(Object.entries(figures.statusClasses).filter(([, n]) => n > 0)),
      sessionsByDay: figures.sessionsByDay,
      features: Object.fromEntries(Object.keys(expected.features).map(name => [name, uses[name]]))
    },
    {
      sessions: expected.sessions,
      users: expected.users,
      statusClasses: expected.statusClasses,
      sessionsByDay: expected.sessionsByDay,
      features: expected.features
    }
  )
}

/** Without what moves by itself: times, and the plan tiers of users who could not be asked for in time and are later. */
function withoutTimes(stats: Stats) {
  const { asOf: _asOf, freshness: _freshness, sessionsByTier: _tiers, ledger, ...rest } = stats
  const { asOf: _ledgerAsOf, ...books } = ledger
  return { ...rest, ledger: books }
}

function withPrefix(prefix: string, figures: Record<string, number>): Record<string, number> {
  return Object.fromEntries(Object.entries(figures).map(([name, value]) => [prefix + name, value]))
}
