import type { Finding } from './diagnosis.ts'
import type { Rule } from './rule.ts'

/** What a rule found, before it is known what follows from what. */
export type Found = ReturnType<Rule['find']>[number]

interface Seen {
  rule: Rule
  found: Found
}

/**
 * Samples are taken once a second by two processes that do not look at the same instant: what a cause explains may have
 * been seen a little before it, or a little after it was over. In milliseconds.
 */
const slackMs = 3_000
/** What goes on for longer than this after a cause was over is no symptom of it any more. */
const aftermathMs = 10_000
/** What began so long before a cause was there without it: a rule may need half a minute to be sure. In milliseconds. */
const olderMs = 30_000

/** What was read of the records: they begin at `from`, and `at` is judged. */
interface Read {
  from: number
  at: number
}

/**
 * Causes before their symptoms. What is explained by another finding that overlaps with it in time, and did not begin long
 * before that, is that one's symptom, and stands under the nearest of its causes, so that a chain reads from the root outwards.
 * Of two that explain each other, however far around, the one seen first is the cause. Those that go on come first, then the
 * order of the table, which is its author's order of what to deal with first; then time. Pure.
 */
export function causesOf(rules: readonly Rule[], found: ReadonlyMap<Rule, readonly Found[]>, read: Read): Finding[] {
  const seen = rules
    .flatMap(rule => (found.get(rule) ?? []).map(one => ({ rule, found: one })))
    .toSorted((a, b) => a.found.since - b.found.since)
  const explains = (a: number, b: number) => a !== b && follows(seen[a]!, seen[b]!, read)
  const reached = seen.map((_, from) => reachableFrom(from, seen.length, explains))
  const isCauseOf = (a: number, b: number) => explains(a, b) && (a < b || !reached[b]!.has(a))

  const parents = seen.map((_, b) => {
    const causes = seen
      .keys()
      .filter(a => isCauseOf(a, b))
      .toArray()
    return causes.find(a => !causes.some(other => other !== a && isCauseOf(a, other)))
  })
  const nodes = seen.map(
    ({ rule, found: one }): Finding => ({ lever: rule.lever, ...one, rule: rule.name, symptoms: [] })
  )
  parents.forEach((parent, index) => {
    if (parent !== undefined) nodes[parent]!.symptoms.push(nodes[index]!)
  })
  const order = new Map(rules.map((rule, index) => [rule.name, index]))
  const first = (a: Finding, b: Finding) =>
    Number(a.until !== undefined) - Number(b.until !== undefined) ||
    order.get(a.rule)! - order.get(b.rule)! ||
    a.since - b.since
  for (const node of nodes) node.symptoms.sort(first)
  return nodes.filter((_, index) => parents[index] === undefined).sort(first)
}

function follows(cause: Seen, symptom: Seen, { from, at }: Read): boolean {
  if (!isNamed(cause, symptom) || !overlap(cause.found, symptom.found, at)) return false
  // Of what is older than all that was read, nobody knows which came first.
  const isOlder = Math.max(symptom.found.since, from) < cause.found.since - olderMs
  if (isOlder && !cause.rule.explainsEarlier?.includes(symptom.rule.name)) return false
  const { until } = cause.found
  return until === undefined || (symptom.found.until ?? at) - until <= aftermathMs
}

function isNamed(cause: Seen, symptom: Seen): boolean {
  const { explains, explainsOfSubject, explainsLater } = cause.rule
  const { name, isSymptomOfAll } = symptom.rule
  if (isSymptomOfAll && !cause.rule.isSymptomOfAll) return true
  if (explains.includes(name)) return true
  if (explainsLater?.includes(name)) {
    // In one and the same second it is the other way round, where that one says so.
    const isMutual = symptom.rule.explains.includes(cause.rule.name)
    const after = symptom.found.since - cause.found.since
    return isMutual ? after > 0 : after >= -slackMs
  }
  const about = [cause.found.subject, ...(cause.found.also ?? [])]
  return about.includes(symptom.found.subject) && (explainsOfSubject?.includes(name) ?? false)
}

function overlap(a: Found, b: Found, at: number): boolean {
  return a.since <= (b.until ?? at) + slackMs && b.since <= (a.until ?? at) + slackMs
}

function reachableFrom(start: number, count: number, leads: (a: number, b: number) => boolean): ReadonlySet<number> {
  const reached = new Set<number>()
  const next = [start]
  for (let from = next.pop(); from !== undefined; from = next.pop()) {
    for (let to = 0; to < count; to++) {
      if (reached.has(to) || !leads(from, to)) continue
      reached.add(to)
      next.push(to)
    }
  }
  return reached
}
