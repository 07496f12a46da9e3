/** What the records say: pure data, for a terminal, a page, an alert and a report alike. */
export interface Diagnosis {
  /** The moment that is judged, in milliseconds since 1970. */
  at: number
  state: 'healthy' | 'degraded' | 'down' | 'unknown'
  /** One sentence for the person on call. */
  summary: string
  /** Causes, the first to be dealt with first. What follows from a cause is among its symptoms and not here. */
  causes: Finding[]
  /** What is nearest to its limit, the nearest first: also, and above all, when nothing is wrong. */
  limits: NearLimit[]
  /** When each source was last heard, in milliseconds since 1970; left out when never. */
  lastHeard: { platform?: number; watcher?: number }
  /** Rules that threw, which is a fault of the rule: the others were asked all the same. Left out when none did. */
  failedRules?: { rule: string; message: string }[]
}

/** One cause (or symptom) that a rule saw. */
export interface Finding {
  /** The rule that saw it, for instance `slow-dependency`. */
  rule: string
  /** What it is about: `metadata`, `primary`, `disk`, `main loop`, a subscriber or a project. */
  subject: string
  /** What else it is about, where one fault shows itself at several: the other stores of one server. */
  also?: string[]
  /** The cause in a sentence that a stranger understands. */
  title: string
  /** What was seen, each with its figures; the strongest first. */
  evidence: Evidence[]
  /** What it costs now, in a sentence: what is refused, late, unknown or lost, and what is not. */
  cost: string
  lever: Lever
  /** When it was first seen, and last; milliseconds since 1970. A cause that goes on has `until` undefined. */
  since: number
  until?: number
  /** What it explains. */
  symptoms: Finding[]
}

export interface Evidence {
  at: number
  /** For instance "answers of metadata take 812 ms at p99; in the ten minutes before it was 6 ms". */
  text: string
  /** The series it was read from, so that it can be drawn: a name of `Sample.values`, or of an occurrence. */
  series?: string
  before?: number
  now?: number
}

/** What can be done about it. */
export interface Lever {
  /** The field's name for it: `circuit breaker`, `timeout`, `bulkhead`, `queue`, `replica`, `disk space`, … */
  name: string
  /** What to do here and now, in words and, where there is one, the command. */
  action: string
  /** The page that explains it, from the root of the project: `docs/patterns/circuit-breaker.md`. */
  page: string
}

export interface NearLimit {
  /** What fills up: `memory of the platform`, `free disk`, `open files`, `spool`, … */
  what: string
  used: number
  limit: number
  unit: string
  /** used / limit, 0 … 1. */
  share: number
  /** When it gets there if it goes on like this, in milliseconds since 1970; left out when it does not move that way. */
  reachedAt?: number
}
