/** What a broker can do, as data: the conformance suite holds each adapter to it, and the readme prints it. */
export interface Capabilities {
  readonly name: string
  /** Order by key: `partition` where the adapter keeps it by partitions of its own. */
  readonly ordering: 'partition'
  /** Several groups read each message, each at its own pace. */
  readonly groups: boolean
  /** Messages that were handled can be read again, from a time or a position. */
  readonly replay: boolean
  /** A group that begins later can read what was published before. */
  readonly history: boolean
  /** Tells how many messages a group has not reached; else only those that this process holds. */
  readonly lag: boolean
  /** Publishing can be part of the caller's database transaction. */
  readonly transactional: boolean
  /** How long the broker drops a second message of the same id, in milliseconds; Infinity: for ever; 0: never. */
  readonly dedupeWindowMs: number
  /** Largest message, in bytes: data, attributes and headers. */
  readonly maxBytes: number
  /** Delivery later than at once, by the broker itself. */
  readonly delay: boolean
  readonly priorities: boolean
  /** Dead letters by the broker itself. Ours are in the consumer's database, on all of them. */
  readonly deadLetters: boolean
  /** What is true when a publisher is told that its message is published. */
  readonly confirmed: string
}

const yes = (value: boolean) => (value ? 'yes' : 'no')

const rows: readonly [title: string, cell: (capabilities: Capabilities) => string][] = [
  ['order per key', ({ ordering }) => `by ${ordering}`],
  ['groups', ({ groups }) => yes(groups)],
  ['replay', ({ replay }) => yes(replay)],
  ['a new group reads the past', ({ history }) => yes(history)],
  ['tells a group’s lag', ({ lag }) => yes(lag)],
  ['in the publisher’s transaction', ({ transactional }) => yes(transactional)],
  ['drops a repeated id', ({ dedupeWindowMs }) => windowText(dedupeWindowMs)],
  ['largest message', ({ maxBytes }) => `${(maxBytes / 1_000_000).toFixed(1)} MB`],
  ['delay by the broker', ({ delay }) => yes(delay)],
  ['priorities', ({ priorities }) => yes(priorities)],
  ['dead letters by the broker', ({ deadLetters }) => yes(deadLetters)],
  ['confirmed means', ({ confirmed }) => confirmed]
]

function windowText(ms: number): string {
  if (ms === 0) return 'never'
  return ms === Number.POSITIVE_INFINITY ? 'for ever' : `for ${ms / 1_000} s`
}

/** The table of the readme. */
export function capabilityTable(brokers: readonly Capabilities[]): string {
  const head = ['', ...brokers.map(({ name }) => name)]
  const table = [head, ...rows.map(([title, cell]) => [title, ...brokers.map(cell)])]
  const widths = head.map((_, column) => Math.max(3, ...table.map(row => row[column]!.length)))
  const line = (row: string[]) => `| ${row.map((cell, i) => cell.padEnd(widths[i]!)).join(' | ')} |`
  const rule = `| ${widths.map(width => '-'.repeat(width)).join(' | ')} |`
  return [line(head), rule, ...table.slice(1).map(line)].join('\n')
}
