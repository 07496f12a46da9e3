import { bytesOf, type Draft } from './draft.ts'
import { type Fault, type FaultKind, faultKinds } from './judge.ts'
import type { Answer } from './wire.ts'

/** How many different faults of a kind are kept whole, to be repeated. */
const mostKept = 20
const mostText = 4_000

export interface KeptFault {
  kind: FaultKind
  detail: string
  operation: string
  times: number
  /** The first of them: what `--seed` and the number make again. */
  seed: number
  index: number
  mutations: string[]
  head: string
  /** UTF-8 text, or base64 when it is not that; left out when it is long. */
  body?: string
  bodyBase64?: string
  bodyBytes: number
  answer?: string
}

/** Counts what was sent and answered. Bounded, however long the run. */
export class Tally {
  readonly #seed: number
  readonly statuses: Record<string, number> = {}
  readonly ways: Record<string, number> = {}
  readonly faults: Record<FaultKind, number>
  readonly kept = new Map<string, KeptFault>()
  readonly succeeded = new Map<string, number>()
  requests = 0
  valid = { sent: 0, succeeded: 0 }
  /** Bodies far beyond every limit, whose refusal was lost with the connection. */
  cutOff = 0

  constructor(seed: number) {
    this.#seed = seed
    this.faults = Object.fromEntries(Object.keys(faultKinds).map(kind => [kind, 0])) as Record<FaultKind, number>
  }

  sent(way: string, requests = 1): void {
    this.requests += requests
    this.ways[way] = (this.ways[way] ?? 0) + requests
  }

  answered(draft: Draft, { status }: Answer): void {
    this.statuses[status] = (this.statuses[status] ?? 0) + 1
    const ok = status < 300
    const { operation } = draft
    if (ok && operation) this.succeeded.set(operation.name, (this.succeeded.get(operation.name) ?? 0) + 1)
    if (draft.mutations.length > 0) return
    this.valid.sent++
    if (ok) this.valid.succeeded++
  }

  fault({ kind, detail }: Fault, draft: Draft, index: number, answer?: Answer): KeptFault | undefined {
    this.faults[kind]++
    const operation = draft.operation?.name ?? 'none'
    const key = `${kind} ${operation} ${detail}`
    const known = this.kept.get(key)
    if (known) known.times++
    if (known || [...this.kept.values()].filter(one => one.kind === kind).length >= mostKept) return undefined
    const { head, body } = bytesOf(draft)
    const isText = Buffer.from(body.toString()).equals(body)
    const kept: KeptFault = {
      kind,
      detail,
      operation,
      times: 1,
      seed: this.#seed,
      index,
      mutations: draft.mutations,
      head: head.toString().slice(0, mostText),
      ...(body.length === 0 || body.length > mostText
        ? {}
        : isText
          ? { body: body.toString() }
          : { bodyBase64: body.toString('base64') }),
      bodyBytes: body.length,
      ...(answer ? { answer: `${answer.status} ${answer.body.toString().slice(0, 500)}` } : {})
    }
    this.kept.set(key, kept)
    return kept
  }
}
