import { entryKey, type NewEntry } from '@plimsoll/eventlog'
import { limits } from '../limits.ts'
import { canonicalJson, digestOf } from './event-id.ts'
import { answerOf } from './session-answer.ts'
import { changeOf, foldSession, type SessionState, visitsOf } from './session-state.ts'
import type { EventOutcome, LedgerRow, Outcome, SessionPut, Work } from './work.ts'

/** What a batch found when it looked: digests by entry key, sessions by session key. */
export interface Found {
  digests: ReadonlyMap<string, string>
  sessions: ReadonlyMap<string, SessionState>
}

export interface Plan {
  entries: NewEntry[]
  /** Sessions to write, by key; `isNew` says whether to insert or to update. */
  sessions: Map<string, { project: string; id: string; state: SessionState; isNew: boolean }>
  /** By `project` and minute. */
  ledger: Map<string, { project: string; minute: number; row: LedgerRow }>
  refused: Map<string, { project: string; code: string; count: number }>
  /** First answers to keep, as JSON text, under the id of their event. */
  answers: { project: string; id: string; answer: string }[]
  outcomes: Outcome[]
}

/** What one batch will write and answer: pure, so that a failed transaction can simply be planned again. */
export function planBatch(work: readonly Work[], found: Found): Plan {
  const planner = new Planner(found)
  for (const item of work) planner.add(item)
  return planner.plan
}

class Planner {
  readonly plan: Plan = {
    entries: [],
    sessions: new Map(),
    ledger: new Map(),
    refused: new Map(),
    answers: [],
    outcomes: []
  }
  #found: Found
  #newDigests = new Map<string, string>()

  constructor(found: Found) {
    this.#found = found
  }

  add(work: Work): void {
    this.plan.outcomes.push(this.#plan(work))
  }

  #plan(work: Work): Outcome {
    switch (work.kind) {
      case 'events':
        return this.#events(work)
      case 'put':
        return this.#put(work)
      case 'delete':
        return this.#delete(work)
      case 'enrich':
        return this.#enrich(work)
      case 'refused': {
        const key = `${work.code}/${work.project}`
        const count = this.plan.refused.get(key)?.count ?? 0
        this.plan.refused.set(key, { project: work.project, code: work.code, count: count + work.count })
        return { kind: 'done' }
      }
    }
  }

  #events(work: Extract<Work, { kind: 'events' }>): Outcome {
    const { project, events } = work
    const row = this.#ledgerRow(project, work.minute)
    const quarantined = work.quarantined ?? 0
    row.received += work.rejected + quarantined + events.length
    row.rejected += work.rejected
    row.quarantined += quarantined
    const outcomes: EventOutcome[] = []
    let session: SessionState | undefined
    for (const event of events) {
      const key = entryKey(project, event.id)
      const known = this.#newDigests.get(key) ?? this.#found.digests.get(key)
      if (known !== undefined) {
        const same = known === event.digest
        outcomes.push(same ? 'duplicate' : 'conflict')
        if (same) row.duplicate++
        else row.rejected++
        continue
      }
      const before = this.#session(project, event.sessionId)
      if (work.answeredAt !== undefined && before && before.deletedAt !== null) {
        outcomes.push('deleted')
        row.rejected++
        continue
      }
      const after = foldSession(before, event)
      if (visitsOf(after).length > 2 * limits.visits) {
        outcomes.push('overfull')
        row.rejected++
        continue
      }
      this.#write(project, event.sessionId, after)
      // Field by field: what else an event has would travel to every read model.
      this.#append({
        tenant: project,
        id: event.id,
        type: event.type,
        time: event.time,
        stream: event.sessionId,
        subject: event.userId,
        digest: event.digest,
        data: event.data,
        change: changeOf(before, after, event.time)
      })
      if (work.answeredAt !== undefined) {
        this.plan.answers.push({
          project,
          id: event.id,
          answer: JSON.stringify(answerOf(event.sessionId, after, work.answeredAt))
        })
      }
      row.accepted++
      outcomes.push('accepted')
      if (work.answeredAt !== undefined) session = after
    }
    return session ? { kind: 'events', outcomes, session } : { kind: 'events', outcomes }
  }

  #put(work: Extract<Work, { kind: 'put' }>): Outcome {
    const { project, sessionId, put } = work
    const before = this.#session(project, sessionId)
    const live = before?.deletedAt === null ? before : undefined
    const userId = put.userId ?? live?.userId
    if (userId === undefined) return this.#refusePut(work, 'user_required')
    const after = replaceSession(live, userId, put)
    if (after.endedAt !== null && after.endedAt < after.startedAt) return this.#refusePut(work, 'ends_before_start')
    if (live && canonicalJson(live) === canonicalJson(after)) {
      this.#count(project, work.minute, 'duplicate')
      return { kind: 'put', session: live, changed: false }
    }
    this.#write(project, sessionId, after)
    this.#command(work, 'session.put', put.at, after.userId, changeOf(live, after, put.at), canonicalJson(put))
    this.#count(project, work.minute, 'accepted')
    return { kind: 'put', session: after, changed: true }
  }

  /** Nothing is written, but it was received: the books say so. */
  #refusePut(work: Extract<Work, { kind: 'put' }>, code: 'user_required' | 'ends_before_start'): Outcome {
    this.#count(work.project, work.minute, 'rejected')
    return { kind: 'put-refused', code }
  }

  #delete(work: Extract<Work, { kind: 'delete' }>): Outcome {
    const { project, sessionId, at } = work
    const before = this.#session(project, sessionId)
    if (!before || before.deletedAt !== null) {
      this.#count(project, work.minute, 'duplicate')
      return { kind: 'delete', existed: before !== undefined }
    }
    this.#write(project, sessionId, { ...before, deletedAt: at })
    this.#command(work, 'session.delete', at, before.userId, changeOf(before, undefined, at), null)
    this.#count(project, work.minute, 'accepted')
    return { kind: 'delete', existed: true }
  }

  /** Late enrichment: not something that was received, so the ledger does not move. */
  #enrich(work: Extract<Work, { kind: 'enrich' }>): Outcome {
    const before = this.#session(work.project, work.sessionId)
    if (before?.deletedAt !== null || before.enrichment.state !== 'unknown' || before.userId !== work.userId)
      return { kind: 'done' }
    const after = { ...before, enrichment: work.enrichment }
    this.#write(work.project, work.sessionId, after)
    this.#command(work, 'session.enriched', work.at, before.userId, changeOf(before, after, work.at), null)
    return { kind: 'done' }
  }

  #command(
    work: { project: string; sessionId: string; logId: string },
    type: string,
    time: number,
    subject: string,
    change: string | null,
    data: string | null
  ): void {
    const digest = digestOf(`${type}\n${work.sessionId}\n${data ?? ''}`)
    this.#append({
      tenant: work.project,
      id: work.logId,
      type,
      time,
      stream: work.sessionId,
      subject,
      digest,
      data,
      change
    })
  }

  #append(entry: NewEntry): void {
    this.#newDigests.set(entryKey(entry.tenant, entry.id), entry.digest)
    this.plan.entries.push(entry)
  }

  #session(project: string, id: string): SessionState | undefined {
    const key = entryKey(project, id)
    return this.plan.sessions.get(key)?.state ?? this.#found.sessions.get(key)
  }

  #write(project: string, id: string, state: SessionState): void {
    const key = entryKey(project, id)
    const planned = this.plan.sessions.get(key)
    if (planned) planned.state = state
    else this.plan.sessions.set(key, { project, id, state, isNew: !this.#found.sessions.has(key) })
  }

  #count(project: string, minute: number, outcome: 'accepted' | 'duplicate' | 'rejected'): void {
    const row = this.#ledgerRow(project, minute)
    row.received++
    row[outcome]++
  }

  #ledgerRow(project: string, minute: number): LedgerRow {
    const key = `${minute}/${project}`
    let entry = this.plan.ledger.get(key)
    if (!entry) {
      entry = { project, minute, row: { received: 0, accepted: 0, duplicate: 0, rejected: 0, quarantined: 0 } }
      this.plan.ledger.set(key, entry)
    }
    return entry.row
  }
}

function replaceSession(live: SessionState | undefined, userId: string, put: SessionPut): SessionState {
  const startedAt = put.startedAt ?? live?.startedAt ?? put.at
  const endedAt = put.endedAt === undefined ? (live?.endedAt ?? null) : put.endedAt
  // What is known of one user is not known of another.
  const kept = live?.userId === userId ? live.enrichment : undefined
  return {
    userId,
    startedAt,
    lastAt: put.endedAt ?? Math.max(live?.lastAt ?? startedAt, startedAt),
    endedAt,
    enrichment: put.enrichment ?? kept ?? { state: 'unknown' },
    events: live?.events ?? 0,
    deletedAt: null,
    // Who says when it began or ended speaks of one visit.
    visits: put.startedAt === undefined && put.endedAt === undefined ? (live?.visits ?? null) : null
  }
}
