import type { Queryable } from '@plimsoll/database'
import type { Delivery, Place, Position } from '../broker.ts'
import type { Envelope } from '../message/envelope.ts'
import type { ConsumerStore, Lease } from './store.ts'

/** Why a message could not be handled. */
export interface Failure {
  readonly text: string
  readonly code: string | null
  /** How often it was tried. */
  readonly attempts: number
  /** Milliseconds until it is tried again; `null`: never by itself. */
  readonly retryInMs: number | null
}

/** A message that failed, or one (`null`) that only waits behind it. */
export interface Parking {
  readonly delivery: Delivery
  readonly lane: string
  readonly failure: Failure | null
}

export async function park(
  tx: Queryable,
  schema: string,
  { topic, group, partition }: Place,
  parkings: readonly Parking[]
): Promise<void> {
  for (const { delivery, lane, failure } of parkings) {
    const { envelope, position, publishedAt } = delivery
    const state = failure === null ? 'waiting' : failure.retryInMs === null ? 'dead' : 'retrying'
    await tx.query(
      `insert into "${schema}".parked (topic, grp, partition, lane, state, id, key, position, attributes, headers, data,
         published_at, attempts, due_at, error, error_code)
       values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13,
         clock_timestamp() + $14 * interval '1 millisecond', $15, $16)`,
      [
        topic,
        group,
        partition,
        lane,
        state,
        envelope.id,
        envelope.key,
        position,
        envelope.attributes,
        envelope.headers,
        envelope.data,
        new Date(publishedAt),
        failure?.attempts ?? 0,
        failure?.retryInMs ?? null,
        failure?.text ?? null,
        failure?.code ?? null
      ]
    )
  }
}

/**
 * Those of the lanes in which something waits. Their heads are held until the transaction ends: somebody who discards the
 * last one of a lane just now would not see what this consumer is about to put behind it.
 */
export async function blockedLanes(
  tx: Queryable,
  schema: string,
  { topic, group, partition }: Place,
  lanes: readonly string[]
): Promise<Set<string>> {
  const held = [topic, group, partition, lanes]
  await tx.query(
    `select from "${schema}".parked where number = any(array(
       select min(number) from "${schema}".parked
       where topic = $1 and grp = $2 and partition = $3 and lane = any($4::text[]) and state <> 'discarded'
       group by lane)) for share`,
    held
  )
  const { rows } = await tx.query<{ lane: string }>(
    `select distinct lane from "${schema}".parked
     where topic = $1 and grp = $2 and partition = $3 and lane = any($4::text[]) and state <> 'discarded'`,
    held
  )
  return new Set(rows.map(({ lane }) => lane))
}

export interface ParkedLanes {
  lanes: Set<string>
  /** Until the next one is due, in milliseconds; `null` when none is. */
  dueInMs: number | null
}

export async function readLanes(
  { database, schema }: ConsumerStore,
  { topic, group, partition }: Place
): Promise<ParkedLanes> {
  const { rows } = await database.query<{ lane: string; due: number | null }>(
    `select lane, min(extract(epoch from due_at - clock_timestamp()) * 1000)
       filter (where state = 'retrying')::float8 as due
     from "${schema}".parked where topic = $1 and grp = $2 and partition = $3 and state <> 'discarded' group by lane`,
    [topic, group, partition]
  )
  const dues = rows.flatMap(({ due }) => (due === null ? [] : [Math.max(0, due)]))
  return { lanes: new Set(rows.map(({ lane }) => lane)), dueInMs: dues.length === 0 ? null : Math.min(...dues) }
}

/** The head of a lane, taken for a try. */
export interface Due {
  readonly number: number
  readonly lane: string
  /** This try included. */
  readonly attempts: number
  readonly envelope: Envelope
  readonly position: Position
}

/**
 * Takes the head of a lane that is due, and counts the try before it is made, so that a message its consumers die of comes to
 * an end too.
 */
export async function takeDue(
  { database, schema }: ConsumerStore,
  { topic, group, partition, fence }: Lease
): Promise<Due | undefined> {
  const { rows } = await database.query<{
    number: number
    lane: string
    attempts: number
    id: string
    key: string | null
    position: string | null
    attributes: Record<string, string>
    headers: Record<string, string>
    data: Buffer
  }>(
    `update "${schema}".parked set attempts = attempts + 1 where number = (
       select k.number from "${schema}".parked k join "${schema}".partitions p using (topic, grp, partition)
       where topic = $1 and grp = $2 and partition = $3 and p.fence = $4 and k.state = 'retrying'
         and k.due_at <= clock_timestamp() order by k.due_at, k.number limit 1)
     returning number, lane, attempts, id, key, position, attributes, headers, data`,
    [topic, group, partition, fence]
  )
  const row = rows[0]
  if (!row) return
  const { number, lane, attempts, position, id, key, attributes, headers, data } = row
  return { number, lane, attempts, position, envelope: { id, key, partition, attributes, headers, data } }
}

/** It was handled: the next of its lane is due. Returns false when the lane is empty. */
export async function unpark(
  tx: Queryable,
  schema: string,
  place: Place,
  due: Pick<Due, 'number' | 'lane'>
): Promise<boolean> {
  await tx.query(`delete from "${schema}".parked where number = $1`, [due.number])
  return await promote(tx, schema, place, due.lane)
}

/** Makes the head of a lane due, if it waits. Returns false when the lane is empty. */
export async function promote(
  tx: Queryable,
  schema: string,
  { topic, group, partition }: Place,
  lane: string
): Promise<boolean> {
  const { affected } = await tx.query(
    `update "${schema}".parked set
       state = case when state = 'waiting' then 'retrying' else state end,
       due_at = case when state = 'waiting' then clock_timestamp() else due_at end
     where number = (select min(number) from "${schema}".parked
       where topic = $1 and grp = $2 and partition = $3 and lane = $4 and state <> 'discarded')`,
    [topic, group, partition, lane]
  )
  return affected > 0
}

/** It failed again. */
export async function failAgain(tx: Queryable, schema: string, number: number, failure: Failure): Promise<void> {
  await tx.query(
    `update "${schema}".parked set state = $2, due_at = clock_timestamp() + $3 * interval '1 millisecond', error = $4,
       error_code = $5, attempts = $6 where number = $1`,
    [
      number,
      failure.retryInMs === null ? 'dead' : 'retrying',
      failure.retryInMs,
      failure.text,
      failure.code,
      failure.attempts
    ]
  )
}

/** The world failed, and not the message: the try does not count. */
export async function giveBack({ database, schema }: ConsumerStore, number: number): Promise<void> {
  await database.query(`update "${schema}".parked set attempts = attempts - 1 where number = $1`, [number])
}
