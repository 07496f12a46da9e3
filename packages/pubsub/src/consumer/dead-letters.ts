import type { Transaction } from '@plimsoll/database'
import { NoDeadLetterError } from '../errors.ts'
import { promote } from './parking.ts'
import type { ConsumerStore } from './store.ts'

export interface DeadLetter {
  readonly number: number
  readonly id: string
  readonly key: string | null
  readonly partition: number
  readonly type: string
  readonly state: 'dead' | 'discarded'
  readonly attempts: number
  readonly error: string | null
  readonly errorCode: string | null
  /** Milliseconds since 1970. */
  readonly publishedAt: number
  readonly parkedAt: number
  /** Messages of the same key that wait behind it. */
  readonly behind: number
}

export interface DeadLetterDetail extends DeadLetter {
  readonly attributes: Readonly<Record<string, string>>
  readonly headers: Readonly<Record<string, string>>
  /** The bytes, as the codec of the content type made them. */
  readonly data: Uint8Array
  readonly notes: readonly { at: number; action: string; note: string }[]
}

export interface ParkedTotals {
  keys: number
  waiting: number
  retrying: number
  dead: number
}

/** The commit channel by which a subscription of the same process hears that something was decided. */
export const decidedChannel = (schema: string) => `pubsub:${schema}:decided`

/** What a group could not handle, and what people decide about it. The order within a key is kept by every verb. */
export class DeadLetters {
  #store: ConsumerStore
  #topic: string
  #group: string

  constructor(store: ConsumerStore, topic: string, group: string) {
    this.#store = store
    this.#topic = topic
    this.#group = group
  }

  /** The oldest first; `after` is the number of the last one seen. At most `limit`, 100 unless said, 1,000 at most. */
  async list(options: { after?: number; limit?: number; discarded?: boolean } = {}): Promise<DeadLetter[]> {
    const { after = 0, limit = 100, discarded = false } = options
    const { rows } = await this.#store.database.query<DeadLetter>(
      `select ${this.#columns} from ${this.#table} p where topic = $1 and grp = $2 and number > $3 and state = $4
       order by number limit $5`,
      [this.#topic, this.#group, after, discarded ? 'discarded' : 'dead', Math.min(limit, 1_000)]
    )
    return rows
  }

  /** Everything of one, with what people noted. */
  async look(number: number): Promise<DeadLetterDetail | undefined> {
    const { database, schema } = this.#store
    const { rows } = await database.query<Omit<DeadLetterDetail, 'notes'>>(
      `select ${this.#columns}, attributes, headers, data from ${this.#table} p
       where topic = $1 and grp = $2 and number = $3 and state in ('dead', 'discarded')`,
      [this.#topic, this.#group, number]
    )
    if (!rows[0]) return
    const { rows: notes } = await database.query<DeadLetterDetail['notes'][number]>(
      `select (extract(epoch from noted_at) * 1000)::float8 as at, action, note from "${schema}".parked_notes
       where number = $1 order by noted_at`,
      [number]
    )
    return { ...rows[0], notes }
  }

  async totals(): Promise<ParkedTotals> {
    const { rows } = await this.#store.database.query<ParkedTotals>(
      `select count(distinct lane)::int as keys, count(*) filter (where state = 'waiting')::int as waiting,
         count(*) filter (where state = 'retrying')::int as retrying, count(*) filter (where state = 'dead')::int as dead
       from ${this.#table} where topic = $1 and grp = $2 and state <> 'discarded'`,
      [this.#topic, this.#group]
    )
    return rows[0]!
  }

  /** Tries it again, with all its attempts. Those of its key behind it follow when it is handled. */
  retry(number: number, note = ''): Promise<void> {
    return this.#decide(number, 'retry', note, tx => this.#revive(tx, number))
  }

  /** Changes the data and tries again. What it was stays in the notes. */
  edit(number: number, data: Uint8Array, note: string): Promise<void> {
    if (note.trim() === '') throw new TypeError('an edit needs a note: say why')
    return this.#decide(number, 'edit', note, async tx => {
      await tx.query(`update ${this.#table} set data = $2 where number = $1`, [number, data])
      await this.#revive(tx, number)
    })
  }

  /** Never handles it. Those of its key behind it go on. It can be listed as discarded. */
  discard(number: number, note: string): Promise<void> {
    if (note.trim() === '') throw new TypeError('a discard needs a note: say why')
    return this.#decide(number, 'discard', note, async (tx, { partition, lane }) => {
      await tx.query(`update ${this.#table} set state = 'discarded' where number = $1`, [number])
      await promote(tx, this.#store.schema, { topic: this.#topic, group: this.#group, partition }, lane)
    })
  }

  async #revive(tx: Transaction, number: number): Promise<void> {
    await tx.query(
      `update ${this.#table} set state = 'retrying', attempts = 0, due_at = clock_timestamp() where number = $1`,
      [number]
    )
  }

  async #decide(
    number: number,
    action: string,
    note: string,
    change: (tx: Transaction, row: { partition: number; lane: string }) => Promise<void>
  ): Promise<void> {
    const { database, schema } = this.#store
    await database.transaction(async tx => {
      const { rows } = await tx.query<{ partition: number; lane: string; data: Buffer }>(
        `select partition, lane, data from ${this.#table}
         where topic = $1 and grp = $2 and number = $3 and state = 'dead' for update`,
        [this.#topic, this.#group, number]
      )
      if (!rows[0]) throw new NoDeadLetterError(number)
      await tx.query(
        `insert into "${schema}".parked_notes (number, action, note, data_before) values ($1, $2, $3, $4)`,
        [number, action, note, action === 'edit' ? rows[0].data : null]
      )
      await change(tx, rows[0])
      tx.notify(decidedChannel(schema), this.#topic)
    })
  }

  get #table(): string {
    return `"${this.#store.schema}".parked`
  }

  get #columns(): string {
    return `number, id, key, partition, attributes ->> 'type' as type, state, attempts, error, error_code as "errorCode",
      (extract(epoch from published_at) * 1000)::float8 as "publishedAt",
      (extract(epoch from parked_at) * 1000)::float8 as "parkedAt",
      (select count(*)::int from ${this.#table} b where b.topic = p.topic and b.grp = p.grp
        and b.partition = p.partition and b.lane = p.lane and b.number > p.number and b.state <> 'discarded') as behind`
  }
}
