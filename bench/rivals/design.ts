import type { Database } from '@plimsoll/database'

/** An event as the clients send it; a stand-in keeps what its design keeps. */
export interface SentEvent {
  id: string
  type: string
  time: string
  user: { id: string }
  session: { id: string }
  data?: { feature: string }
}

/** What is used of Redis. */
export interface Claims {
  /** `SET key 1 NX [PX ms]`: true when the key was not there. */
  setIfAbsent(key: string, forMs?: number): Promise<boolean>
}

/** How a product takes events and keeps from counting them twice, reduced to the one thing that it is named for. */
export interface Design {
  /** Resolves when its product would answer 2xx; rejects when it would answer 503. */
  take(events: readonly SentEvent[]): Promise<void>
  /** Ended in order, which a kill is not. */
  close(): Promise<void>
}

export interface Parts {
  store: Database
  claims: Claims
}

/** The one table of every stand-in. `partition` is for the design that has one. */
export const table = `create table if not exists events (
  row_id bigint generated always as identity primary key, event_id text not null, session_id text not null,
  feature text, partition bigint not null default 0)`

export async function insert(store: Database, events: readonly SentEvent[], partition = 0): Promise<void> {
  await store.query(
    `insert into events (event_id, session_id, feature, partition)
     select *, $4::bigint from unnest($1::text[], $2::text[], $3::text[])`,
    [events.map(e => e.id), events.map(e => e.session.id), events.map(e => e.data?.feature ?? null), partition]
  )
}
