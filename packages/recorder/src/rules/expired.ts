import type { Rule } from '../diagnosis/rule.ts'
import type { Timeline } from '../diagnosis/timeline.ts'
import type { Occurrence } from '../record.ts'
import { occurrences, points } from './reading.ts'
import { count, time } from './words.ts'

/** Such an answer says how it is now for so long, in milliseconds. */
const freshMs = 15_000
/** Answers that are further apart belong to two troubles, in milliseconds: an open breaker keeps calls back between them. */
const apartMs = 120_000
const nameless = 'a service'

export const expired: Rule = {
  name: 'expired',
  about: 'The certificate of a service that the platform asks has ended, and connections to it are refused for that.',
  explains: ['dead-dependency', 'erring-dependency', 'store-gone', 'broker-gone'],
  lever: {
    name: 'renew it, and before its end next time',
    action:
      'Renew the certificate and load it again at the host that `npx plimsoll config` names; `openssl s_client -connect HOST:PORT | openssl x509 -noout -subject -enddate` shows which one is served. Is its end still to come, the clock of this machine is wrong. `npx plimsoll why` tells the end of a certificate in its last 30 days.',
    page: 'docs/architecture.md'
  },
  find(timeline) {
    return [...refusals(timeline)].flatMap(([name, told]) => {
      const last = told.at(-1)!
      if (timeline.at - last.at >= freshMs) return []
      const run = unbroken(told)
      const end = endOf(timeline, name)
      const since = sinceOf(timeline, run[0]!.at, end)
      const times = run.reduce((sum, { detail }) => sum + (typeof detail?.count === 'number' ? detail.count : 1), 0)
      return [
        {
          subject: name,
          title: `The certificate of ${name} has expired`,
          evidence: [
            {
              at: last.at,
              text: `connecting to ${name}, the system says: ${saidBy(last).slice(0, 100)}`,
              series: 'error'
            },
            {
              at: run[0]!.at,
              text: `${count(times)} such answers; before it was none`,
              series: 'error',
              before: 0,
              now: times
            },
            ...(end === undefined
              ? []
              : [
                  {
                    at: end,
                    text: `the certificate that it shows ended ${time(timeline.at - end)} ago`,
                    series: `expiry.${name}`,
                    now: end - timeline.at
                  }
                ])
          ],
          cost: `Nothing can be asked of ${name} over this connection: what it would have said is unknown or waits. Nothing acknowledged is lost.`,
          since
        }
      ]
    })
  }
}

const saidBy = ({ detail }: Occurrence) => String(detail?.message ?? detail?.why ?? detail?.code)

/** Who connects is told by the system that the certificate of the other side has ended: by whose it is, oldest first. */
function refusals(timeline: Timeline): Map<string, Occurrence[]> {
  const isRefusal = ({ detail }: Occurrence) =>
    /CERT_HAS_EXPIRED|certificate has expired/i.test(`${detail?.code} ${detail?.message} ${detail?.why}`)
  const broker = occurrences(timeline, 'broker').findLast(isRefusal)
  const byName = new Map<string, Occurrence[]>()
  for (const one of occurrences(timeline, 'error').filter(isRefusal)) {
    const where = String(one.subject ?? one.detail?.where ?? 'background')
    // What is met at a start or in the background is told without a name; the broker says for itself why it is away.
    const name = where === 'background' || where === 'start' ? (broker?.subject ?? nameless) : where
    byName.set(name, [...(byName.get(name) ?? []), one])
  }
  // It is most likely one of those that are named.
  if (byName.size > 1) byName.delete(nameless)
  return byName
}

/** The last of them that follow each other closely. */
function unbroken(told: readonly Occurrence[]): readonly Occurrence[] {
  let first = told.length - 1
  while (first > 0 && told[first]!.at - told[first - 1]!.at <= apartMs) first--
  return told.slice(first)
}

/** When the certificate that is shown ended; undefined where it has not, or none was seen. */
function endOf(timeline: Timeline, name: string): number | undefined {
  const left = points(timeline, `expiry.${name}`).at(-1)
  return left && left.value <= 0 ? left.at + left.value : undefined
}

/** The first refusal. Where refusals reach back to the edge of what is seen, the end of the certificate is nearer to the truth. */
function sinceOf({ usual }: Timeline, first: number, end: number | undefined): number {
  return end !== undefined && first - usual.from < freshMs ? Math.min(first, end) : first
}
