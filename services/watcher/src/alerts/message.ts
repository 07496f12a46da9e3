import type { Incident, News } from '../incidents/incident.ts'

/** What is sent, once for each thing that happens to an incident. */
export interface Message {
  id: string
  event: `incident.${News['kind']}`
  at: string
  incident: {
    id: string
    since: string
    openedAt: string
    closedAt: string | null
    title: string
    cause: { rule: string; subject: string; title: string; cost: string; evidence: string[] }
    lever: { name: string; action: string; page: string }
    also: string[]
    before: { at: string; title: string }[]
  }
  /** Where the watcher shows it now, and the command that writes the report. */
  page: string
  report: string
}

/** Characters of any one text; a webhook's body stays under some 16 kB. */
const most = 600

export function messageOf(
  { id, kind, incident, at }: { id: string; kind: News['kind']; incident: Incident; at: number },
  page: string
): Message {
  const { cause } = incident
  const { rule, subject, title, cost, lever, evidence } = cause
  return {
    id,
    event: `incident.${kind}`,
    at: iso(at),
    incident: {
      id: incident.id,
      since: iso(incident.since),
      openedAt: iso(incident.openedAt),
      closedAt: incident.closedAt === undefined ? null : iso(incident.closedAt),
      title: cut(title),
      cause: {
        rule: cut(rule),
        subject: cut(subject),
        title: cut(title),
        cost: cut(cost),
        evidence: evidence.slice(0, 4).map(cut)
      },
      lever: { name: cut(lever.name), action: cut(lever.action), page: cut(lever.page) },
      also: incident.also.slice(0, 5).map(cut),
      before: incident.before.slice(-5).map(one => ({ at: iso(one.at), title: cut(one.title) }))
    },
    page,
    report:
      kind === 'closed'
        ? `npx plimsoll report --from ${iso(incident.since - 300_000)} --to ${iso(at)}`
        : `npx plimsoll report --at ${iso(at)}`
  }
}

/** The same as a letter. */
export function letterOf({ event, at, incident, page, report }: Message): { subject: string; text: string } {
  const { cause, lever, also, before } = incident
  const [head, subject] =
    event === 'incident.opened'
      ? [`Since ${incident.since}:`, cause.title]
      : event === 'incident.updated'
        ? [`Since ${incident.since}; what comes first is now:`, `now: ${cause.title}`]
        : [`Over since ${at}. It began at ${incident.since}. It was:`, `over: ${cause.title}`]
  const lines = [
    head,
    '',
    `    ${cause.title}`,
    '',
    ...(event === 'incident.closed'
      ? []
      : [
          'How it is known:',
          ...cause.evidence.map(one => `  - ${one}`),
          '',
          `What it costs: ${cause.cost}`,
          '',
          `What to do: ${lever.name}. ${lever.action}`,
          `Explained in ${lever.page}.`,
          ''
        ]),
    ...(also.length > 0 ? ['Also wrong:', ...also.map(one => `  - ${one}`), ''] : []),
    ...(before.length > 0 ? ['What came first before:', ...before.map(one => `  - ${one.at} ${one.title}`), ''] : []),
    `Now: ${page}`,
    `The report, for the post-mortem: ${report}`
  ]
  return { subject: `[Plimsoll] ${subject}`.slice(0, 200), text: `${lines.join('\n')}\n` }
}

const iso = (at: number) => new Date(Number.isFinite(at) ? Math.min(8.64e15, Math.max(-8.64e15, at)) : 0).toISOString()

/** One line, cut. */
function cut(text: string): string {
  const clean = text.slice(0, 4 * most).replace(/[\p{Cc}\u2028\u2029\u202a-\u202e\u2066-\u2069]+/gu, ' ')
  return clean.length <= most ? clean : `${clean.slice(0, most - 1)}…`
}
