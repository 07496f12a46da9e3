import type { Delivery } from './plan.ts'
import type { Hit } from './play.ts'
import type { LogEntry } from './reconcile.ts'
import type { Fate } from './sdk-account.ts'

/** Which kind of client met which kind of fault, and what became of what it was sending. */

/** How many events were under way: made before the fault was over, and not in the log when it began. */
export interface Meeting {
  sent: number
  lost: number
  doubled: number
}

/** By kind of client, then by kind of fault. What cannot meet has no cell. */
export type Meetings = Record<string, Record<string, Meeting>>

export interface Sender {
  name: string
  kind: string
  /** The name of its way. */
  lane: string
  fates: readonly Fate[]
  /** Which kinds of fault can strike it. */
  canMeet(fault: string): boolean
}

/** What became of the events of deliveries. Session requests are left out: their ids are the server's. */
export function fatesOf(deliveries: readonly Delivery[], byId: ReadonlyMap<string, LogEntry[]>): Fate[] {
  return deliveries.flatMap(delivery =>
    delivery.kind === 'session'
      ? []
      : delivery.events.map(({ id }) => {
          const [first, ...more] = byId.get(id) ?? []
          return {
            madeAt: delivery.madeAt,
            lost: !first,
            doubled: more.length,
            ...(first ? { recordedAt: first.recordedAt } : {})
          }
        })
  )
}

/** Pure. */
export function meetingsOf(senders: readonly Sender[], hits: readonly Hit[], kinds: readonly string[]): Meetings {
  const meetings: Meetings = {}
  for (const { name, kind, lane, fates, canMeet } of senders) {
    const row = meetings[kind] ?? {}
    meetings[kind] = row
    for (const fault of kinds) {
      if (!canMeet(fault)) continue
      const met = row[fault] ?? { sent: 0, lost: 0, doubled: 0 }
      row[fault] = met
      const mine = hits.filter(hit => hit.kind === fault && strikes(hit, name, lane))
      for (const fate of fates) {
        const { madeAt, recordedAt = Number.POSITIVE_INFINITY } = fate
        if (!mine.some(({ from, to }) => madeAt <= to && recordedAt >= from)) continue
        met.sent++
        if (fate.lost) met.lost++
        met.doubled += fate.doubled
      }
    }
  }
  return meetings
}

const strikes = ({ target }: Hit, name: string, lane: string) =>
  !target || ('lane' in target ? target.lane === lane : target.client === name)

export const unmet = (meetings: Meetings): string[] =>
  Object.entries(meetings).flatMap(([client, row]) =>
    Object.entries(row).flatMap(([fault, { sent }]) => (sent === 0 ? [`${client} × ${fault}`] : []))
  )

/** A line for each kind of fault. `-`: they cannot meet. */
export function tableOf(meetings: Meetings, kinds: readonly string[]): string[] {
  const clients = Object.keys(meetings)
  const line = (first: string, cells: readonly string[]) =>
    `  ${first.padEnd(20)}${cells.map((cell, i) => cell.padStart(Math.max(10, clients[i]!.length) + 2)).join('')}`
  const cellOf = (met: Meeting | undefined) =>
    !met
      ? '-'
      : met.lost + met.doubled === 0
        ? met.sent.toLocaleString('en-GB')
        : `${met.sent} (${met.lost} lost, ${met.doubled} doubled)`
  return [
    '  events under way when the fault struck their client, its way or the platform; none of them lost or doubled unless a cell says so',
    line('', clients),
    ...kinds.map(kind =>
      line(
        kind,
        clients.map(client => cellOf(meetings[client]![kind]))
      )
    )
  ]
}
