import type { Rule } from '../diagnosis/rule.ts'
import type { Timeline } from '../diagnosis/timeline.ts'
import { mean, occurrences, points, within } from './reading.ts'
import { count, time } from './words.ts'

/** The names under `expiry.`; a name may hold dots, for instance of a host. */
function names({ usual, recent }: Timeline): string[] {
  const found = new Set<string>()
  for (const span of [usual, recent])
    for (const source of ['platform', 'watcher'] as const)
      for (const { values } of span.samples(source).slice(-3))
        for (const key of Object.keys(values)) if (key.startsWith('expiry.')) found.add(key.slice('expiry.'.length))
  return [...found]
}

export const expired: Rule = {
  name: 'expired',
  about: 'A certificate or a key has ended.',
  explains: ['dead-dependency', 'erring-dependency', 'store-gone', 'broker-gone'],
  lever: {
    name: 'renew it, and before its end next time',
    action:
      'A certificate: renew it and load it again at the host that `npx plimsoll config` names; `openssl s_client -connect HOST:PORT | openssl x509 -noout -subject -enddate` shows which one is served. Is its end still to come, the clock of this machine is wrong. A write key: make a new one with `npx plimsoll keys create` and give it to those who used the old one.',
    page: 'docs/architecture.md'
  },
  find: timeline => [
    ...refusedCertificates(timeline),
    ...names(timeline).flatMap(name => {
      const row = points(timeline, `expiry.${name}`)
      const last = row.at(-1)
      if (!last || last.value > 0 || timeline.at - last.at > 60_000) return []
      const since = row.find(({ value }) => value <= 0)!.at
      const denied = mean(within(points(timeline, 'http.denied'), since))
      const before = mean(within(points(timeline, 'http.denied'), 0, since - 1_000))
      return [
        {
          subject: name,
          title: `${name} has expired`,
          evidence: [
            { at: since, text: `${name} ended ${time(-last.value)} ago`, series: `expiry.${name}`, now: last.value },
            ...(denied > before
              ? [
                  {
                    at: since,
                    text: `${count(denied)} requests a second are turned away as not known (401); before it was ${count(before)}`,
                    series: 'http.denied',
                    before,
                    now: denied
                  }
                ]
              : [])
          ],
          cost: `Who relies on ${name} is turned away, and what they send is not taken: it must be sent again. What was acknowledged is stored.`,
          since
        }
      ]
    })
  ]
}

/** Who connects is told by the system that the certificate of the other side has ended. */
function refusedCertificates(timeline: Timeline) {
  const told = occurrences(timeline, 'error').filter(
    ({ at, detail }) =>
      timeline.at - at < 15_000 &&
      /CERT_HAS_EXPIRED|certificate has expired/i.test(`${detail?.code} ${detail?.message}`)
  )
  const of = new Map(told.map(one => [String(one.subject ?? one.detail?.where ?? 'a service'), one]))
  return [...of].map(([name, last]) => {
    const mine = told.filter(one => (one.subject ?? one.detail?.where) === name)
    return {
      subject: name,
      title: `The certificate of ${name} has expired`,
      evidence: [
        {
          at: last.at,
          text: `connecting to ${name}, the system says: ${String(last.detail?.message ?? last.detail?.code).slice(0, 100)}`,
          series: 'error'
        },
        {
          at: (mine[0] ?? last).at,
          text: `${count(mine.length)} such answers; before it was none`,
          series: 'error',
          before: 0,
          now: mine.length
        }
      ],
      cost: `Nothing can be asked of ${name} over this connection: what it would have said is unknown or waits. Nothing acknowledged is lost.`,
      since: (mine[0] ?? last).at
    }
  })
}
