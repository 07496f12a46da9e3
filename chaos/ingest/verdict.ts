import { type Aim, atMost, type Result } from '@plimsoll/bench'
import type { Answers } from './findings.ts'
import { type Meetings, tableOf, unmet } from './meetings.ts'
import type { Played } from './play.ts'
import type { Expected, Reconciled } from './reconcile.ts'
import type { Span } from './schedule.ts'
import type { SdkAccount } from './sdk-account.ts'
import type { Tally } from './tally.ts'

export interface Evidence {
  expected: Expected
  reconciled: Reconciled
  sdk: SdkAccount
  meetings: Meetings
  /** Whether the run was long enough for every client to meet every fault. */
  mustMeetAll: boolean
  /** Planned ids that the platform did not know when it was asked. */
  unknown: number
  /** Views that a replay of the log from zero made otherwise. */
  replayedOtherwise: readonly string[]
  answers: Answers
  tally: Tally
  unfinished: number
  played: Played
  /** Kinds that were to be played, and why others could not be. */
  kinds: readonly string[]
  notPlayable: Record<string, string>
  restarts: number
  /** When the schedule began, in milliseconds since 1970, and where it was quiet. */
  beganAt: number
  quiets: readonly Span[]
  storeMegabytes: number | undefined
}

/** Of a quiet phase the first moments belong to what was broken before. */
const settlingMs = 2_500

/** The figures of a run, and what it is held to. Pure. */
export function verdict(evidence: Evidence): Required<Pick<Result, 'figures' | 'aims' | 'table'>> {
  const { expected, reconciled, answers, tally, played, kinds, unfinished, sdk, meetings } = evidence
  const { ledger } = answers
  const missing = kinds.filter(kind => !played.played[kind])
  const figures = {
    'events and sessions sent': expected.entries,
    'sessions sent': expected.sessions.size,
    requests: tally.requests,
    'requests without an answer': tally.unanswered,
    'answers by status': tally.statuses,
    'duplicates answered': tally.duplicates,
    'duplicates in the books': ledger.duplicate,
    'strikes played': Object.values(played.played).reduce((sum, count) => sum + count, 0),
    'faults played, by kind': played.played,
    'strikes that could not be played': played.failed,
    'not played on this machine': evidence.notPlayable,
    'restarts of the platform': evidence.restarts,
    'recorded with SDKs': sdk.recorded,
    'accepted from SDKs': sdk.accepted,
    'losses told by SDKs': ledger.clientLosses,
    'cut short by a kill or a page that went, and missing': sdk.missingUnsure,
    lost: reconciled.lost,
    doubled: reconciled.doubled,
    'differences (first 20)': [...reconciled.differences, ...sdk.differences].slice(0, 20),
    'surprises (first 10)': tally.surprises,
    ledger,
    'longest time without an acknowledgement (s)': longestGap(tally) / 1_000,
    'ack p50 in quiet phases (ms)': quantile(quietAcks(evidence), 0.5),
    'ack p99 in quiet phases (ms)': quantile(quietAcks(evidence), 0.99),
    ...(evidence.storeMegabytes === undefined ? {} : { 'data folder at the end (MB)': evidence.storeMegabytes }),
    'clients × faults': meetings
  }
  const notMet = unmet(meetings)
  const none = (name: string, value: number): Aim => atMost(name, value, 0, '')
  const aims: Aim[] = [
    none('lost', reconciled.lost),
    none('doubled', reconciled.doubled),
    none('recorded with an SDK, neither accepted nor told as lost', sdk.lost),
    none('recorded with an SDK, in the log twice or recorded by nobody', sdk.doubled),
    none('told by SDKs as lost, and not', sdk.toldTooOften),
    none('not known when asked by id', evidence.unknown),
    none('sessions with a wrong number of events or visits', reconciled.wrongSessions),
    none('features with a wrong number of uses', reconciled.wrongFeatures),
    none('difference of the dashboard’s totals', reconciled.wrongTotals),
    none(
      `views that a replay from zero makes otherwise${evidence.replayedOtherwise.map(name => ` ${name}`).join('')}`,
      evidence.replayedOtherwise.length
    ),
    none('sessions at a wrong time', answers.outOfTime),
    none('accepted twice', tally.acceptedTwice),
    none('rejected', tally.rejected + ledger.rejected + ledger.quarantined),
    none('answers that do not fit', tally.wrongAnswers),
    none('answers 5xx that do not say when to come back', unknown5xx(tally)),
    none('without a final answer at the end', unfinished),
    none('off in the books', booksOff(ledger, expected)),
    none(`kinds of fault not played${missing.length > 0 ? ` (${missing.join(', ')})` : ''}`, missing.length),
    ...(evidence.mustMeetAll
      ? [none(`clients that did not meet a fault${notMet.length > 0 ? ` (${notMet.join(', ')})` : ''}`, notMet.length)]
      : [])
  ]
  const { 'clients × faults': _, ...others } = figures
  return { figures, aims, table: [...Object.entries(others).map(lineOf), '', ...tableOf(meetings, kinds), ''] }
}

const lineOf = ([name, value]: [string, unknown]): string =>
  `  ${name.padEnd(52)} ${typeof value === 'number' ? value.toLocaleString('en-GB') : JSON.stringify(value)}`

/** received = accepted + duplicate + rejected + quarantined; accepted = counted; accepted = sent. */
function booksOff(ledger: Answers['ledger'], expected: Expected): number {
  const { received, accepted, duplicate, rejected, quarantined, pending, balanced } = ledger
  return (
    Math.abs(received - accepted - duplicate - rejected - quarantined) +
    Math.abs(accepted - expected.entries) +
    (pending ?? 1) +
    (balanced ? 0 : 1)
  )
}

/** The contract has one: 503. */
function unknown5xx({ statuses }: Tally): number {
  return Object.entries(statuses).reduce(
    (sum, [status, count]) => sum + (Number(status) >= 500 && status !== '503' ? count : 0),
    0
  )
}

function longestGap({ acks }: Tally): number {
  let longest = 0
  for (let i = 1; i < acks.length; i++) longest = Math.max(longest, acks[i]![0] - acks[i - 1]![0])
  return longest
}

function quietAcks({ tally, quiets, beganAt }: Evidence): number[] {
  return tally.acks
    .filter(([at, ms]) =>
      quiets.some(
        ({ fromMs, toMs }) => at - ms >= beganAt + fromMs + (fromMs > 0 ? settlingMs : 0) && at <= beganAt + toMs
      )
    )
    .map(([, ms]) => ms)
}

function quantile(values: readonly number[], share: number): number | null {
  if (values.length === 0) return null
  return values.toSorted((a, b) => a - b)[Math.min(values.length - 1, Math.floor(values.length * share))]!
}
