import { useCallback, useEffect, useMemo, useRef, useState } from 'react'
import { dashboardUrl, ledgerUrl, PROJECTS_URL, retentionUrl, SUBSCRIBERS_URL, spoolUrl } from './api/queries.ts'
import { createReader } from './api/request.ts'
import { serverNow } from './api/server-clock.ts'
import { signOut } from './api/session.ts'
import type { Dashboard, LedgerAnswer, Projects, Retention, SpoolAnswer, SubscribersAnswer } from './api/types.ts'
import { type Polled, usePoll } from './api/use-poll.ts'
import { Board } from './Board.tsx'
import { Header } from './controls/Header.tsx'
import { KeyHelp } from './controls/KeyHelp.tsx'
import { Notice } from './controls/Notice.tsx'
import { ProjectPicker } from './controls/ProjectPicker.tsx'
import { RangePicker } from './controls/RangePicker.tsx'
import { RegionFilter } from './controls/RegionFilter.tsx'
import { useKeys } from './controls/use-keys.ts'
import { defaultProject } from './project.ts'
import { endsNow, nextPreset, presetOf, type RangeChoice, resolveRange, stepRange } from './range.ts'
import { useTheme } from './theme.ts'
import { formatView } from './url-state.ts'
import { useView } from './use-view.ts'

const OFTEN = 2000
const SELDOM = 10_000

/** The page of a signed-in viewer: asks, and hands the answers to the controls and the board. */
export function Console({ watcherUrl, onSignedOut }: { watcherUrl: string | undefined; onSignedOut(): void }) {
  const theme = useTheme()
  const [view, go] = useView()
  const [readProjects] = useState(() => createReader<Projects>())
  const [readDashboard] = useState(() => createReader<Dashboard>())
  const [readLedger] = useState(() => createReader<LedgerAnswer>())
  const [readRetention] = useState(() => createReader<Retention>())
  const [readSpool] = useState(() => createReader<SpoolAnswer>())
  const [readSubscribers] = useState(() => createReader<SubscribersAnswer>())

  const projects = usePoll('projects', signal => readProjects(PROJECTS_URL, signal), SELDOM)
  const project = view.project ?? defaultProject(projects.data)
  const summary = projects.data?.projects.find(known => known.project === project)

  const question = project === undefined ? undefined : formatView({ ...view, project })
  const dashboard = usePoll(
    question,
    signal =>
      readDashboard(dashboardUrl(project ?? '', resolveRange(view.range, summary, serverNow()), view.regions), signal),
    OFTEN
  )
  const ledger = usePoll(project, signal => readLedger(ledgerUrl(project ?? ''), signal), OFTEN)
  const spool = usePoll(project, signal => readSpool(spoolUrl(project ?? ''), signal), OFTEN)
  const retention = usePoll(project, signal => readRetention(retentionUrl(project ?? ''), signal), SELDOM)
  const subscribers = usePoll('subscribers', signal => readSubscribers(SUBSCRIBERS_URL, signal), OFTEN)
  useLeaveWhenSignedOut([projects, dashboard, ledger, spool, retention, subscribers], onSignedOut)

  // Numbers of another project are never shown under this one's name.
  const shown = dashboard.data?.project === project ? dashboard.data : undefined
  const books = ledger.data?.project === project ? ledger.data : undefined
  const waiting = spool.data?.project === project ? spool.data : undefined
  const cohorts = retention.data?.project === project ? retention.data : undefined
  const now = serverNow()
  const range = useMemo(
    () => (shown ? { from: Date.parse(shown.range.from), to: Date.parse(shown.range.to) } : undefined),
    [shown]
  )
  const preset = typeof view.range === 'string' ? view.range : range && presetOf(range, summary, now)

  const pickRange = useCallback((next: RangeChoice) => go({ range: next }), [go])
  const picker = useRef<HTMLSelectElement>(null)
  const help = useRef<HTMLDialogElement>(null)
  useKeys({
    '/': () => picker.current?.focus(),
    d: () => pickRange(nextPreset(preset)),
    '[': () => range && pickRange(stepRange(range, -1, now)),
    ']': () => range && !endsNow(range, now) && pickRange(stepRange(range, 1, now)),
    t: () => theme.choose(theme.shown === 'dark' ? 'light' : 'dark'),
    '?': () => help.current?.showModal()
  })
  useEffect(() => {
    document.title = project === undefined ? 'Plimsoll' : `${project} · Plimsoll`
  }, [project])

  const failing = [dashboard, ledger, projects].find(({ problem }) => problem !== undefined && problem.status !== 404)
  return (
    <>
      <a className="skip" href="#board">
        Skip to the numbers
      </a>
      <Header
        theme={theme}
        watcherUrl={watcherUrl}
        onHelp={() => help.current?.showModal()}
        onSignOut={() =>
          void signOut()
            .catch(() => undefined)
            .then(onSignedOut)
        }
      >
        <ProjectPicker
          projects={projects.data}
          project={project}
          picker={picker}
          onPick={next => go({ project: next, range: undefined, regions: [] })}
        />
      </Header>
      <nav className="controls" aria-label="Range and filter">
        <RangePicker shown={range} preset={preset} now={now} onPick={pickRange} />
        <RegionFilter
          available={shown?.availableRegions ?? []}
          chosen={view.regions}
          onChange={regions => go({ regions })}
        />
      </nav>
      <main id="board" tabIndex={-1}>
        {failing?.problem && (
          <Notice
            problem={failing.problem}
            retryAt={failing.retryAt}
            watcherUrl={watcherUrl}
            hasNumbers={shown !== undefined || books !== undefined}
          />
        )}
        <Board
          project={project}
          projects={projects}
          summary={summary}
          dashboard={{ ...dashboard, data: shown }}
          question={question}
          ledger={{ ...ledger, data: books }}
          spool={{ ...spool, data: waiting }}
          retention={{ ...retention, data: cohorts }}
          subscribers={subscribers}
          theme={theme.shown}
          onPickRange={pickRange}
        />
      </main>
      <footer className="foot">All times are UTC. Counts are of events received, each once.</footer>
      <KeyHelp dialog={help} />
    </>
  )
}

function useLeaveWhenSignedOut(answers: readonly Polled<unknown>[], leave: () => void): void {
  const refused = answers.some(({ problem }) => problem?.status === 401)
  useEffect(() => {
    if (refused) leave()
  }, [refused, leave])
}
