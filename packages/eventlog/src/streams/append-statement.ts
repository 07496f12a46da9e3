import type { Queryable } from '@plimsoll/database'
import { type AppendOutcome, type AppendRequest, categoryOf, type Expected } from './append.ts'

const coded = (expected: Expected) =>
  expected === 'any' ? -1 : expected === 'exists' ? -2 : expected === 'none' ? 0 : expected

/** What is known of a request that was appended before. */
interface Known {
  digest: string
  starts: number[]
  versions: number[]
  xid: string
  position: number
}

interface Answer {
  starts: (number | null)[]
  actual: number[]
  xid: string
  last_position: number
  known: Record<string, Known> | null
}

/** Checks and writes many requests in one round trip. A refused one costs the others nothing. */
export async function appendRequests(
  db: Queryable,
  schema: string,
  requests: readonly AppendRequest[]
): Promise<AppendOutcome[]> {
  const { distinct, sameAs } = withoutTwins(requests)
  const { rows } = await db.query<Answer>(
    `select * from "${schema}".append_all($1,$2,$3,$4,$5,$6,$7,$8,$9,$10,$11,$12,$13,$14)`,
    columnsOf(distinct)
  )
  let at = 0
  const outcomes = distinct.map((request, i): AppendOutcome => {
    const first = at
    at += request.parts.length
    return outcomeOf(request, rows[0]!, i, first)
  })
  if (distinct.length === requests.length) return outcomes
  return requests.map((request, i): AppendOutcome => {
    const outcome = outcomes[sameAs[i]!]!
    const one = distinct[sameAs[i]!]!
    if (one === request) return outcome
    if (one.key!.digest !== request.key!.digest) return { reused: request.key!.name }
    return 'versions' in outcome ? { ...outcome, repeated: true } : outcome
  })
}

function outcomeOf({ parts, key }: AppendRequest, answer: Answer, number: number, first: number): AppendOutcome {
  const known = answer.known?.[number]
  if (known) {
    const { digest, starts, versions, xid, position } = known
    return digest === key!.digest
      ? { starts, versions, cursor: { xid, position }, repeated: true }
      : { reused: key!.name }
  }
  if (answer.starts[first] === null) {
    const met = parts.findIndex((part, i) => !meets(part.expected, answer.actual[first + i]!))
    return { refused: { ...parts[met]!, actual: answer.actual[first + met]! } }
  }
  const starts = answer.starts.slice(first, first + parts.length) as number[]
  const versions = parts.map(({ events }, i) => starts[i]! + events.length)
  return { starts, versions, cursor: { xid: answer.xid, position: answer.last_position }, repeated: false }
}

/** A request that is sent twice may come into one batch. */
function withoutTwins(requests: readonly AppendRequest[]): { distinct: readonly AppendRequest[]; sameAs: number[] } {
  if (!requests.some(({ key }) => key)) return { distinct: requests, sameAs: [] }
  const distinct: AppendRequest[] = []
  const byKey = new Map<string, number>()
  const sameAs = requests.map(request => {
    const twin = request.key && byKey.get(request.key.name)
    if (twin !== undefined) return twin
    if (request.key) byKey.set(request.key.name, distinct.length)
    return distinct.push(request) - 1
  })
  return { distinct, sameAs }
}

function meets(expected: Expected, version: number): boolean {
  const code = coded(expected)
  return code === -1 || (code === -2 ? version > 0 : code === version)
}

/** Streams sorted, so that two batches lock theirs in one order. */
function columnsOf(requests: readonly AppendRequest[]): unknown[] {
  const names = [...new Set(requests.flatMap(({ parts }) => parts.map(({ stream }) => stream)))].sort()
  const indexes = new Map(names.map((name, i) => [name, i + 1]))
  const categories = [...new Set(names.map(categoryOf))].sort()
  const part: [request: number[], stream: number[], expected: number[], count: number[]] = [[], [], [], []]
  const event: [part: number[], id: string[], type: string[], schema: number[]] = [[], [], [], []]
  const data: string[] = []
  const metadata: string[] = []
  let described = false
  requests.forEach(({ parts }, request) => {
    for (const { stream, expected, events } of parts) {
      part[0].push(request)
      part[1].push(indexes.get(stream)!)
      part[2].push(coded(expected))
      const number = part[3].push(events.length)
      for (const each of events) {
        event[0].push(number)
        event[1].push(each.id)
        event[2].push(each.type)
        event[3].push(each.schemaVersion)
        data.push(each.data)
        metadata.push(each.metadata ?? 'null')
        described ||= each.metadata !== null
      }
    }
  })
  const keyed = requests.some(({ key }) => key)
  const keys = keyed ? requests.map(({ key }) => key?.name ?? null) : null
  const digests = keyed ? requests.map(({ key }) => (key ? `\\x${key.digest}` : null)) : null
  return [names, categories, ...part, ...event, jsonArray(data), described ? jsonArray(metadata) : null, keys, digests]
}

/** Of values that are JSON already. */
const jsonArray = (values: readonly string[]) => `[${values.join(',')}]`
