import { type Database, isTransient, type Transaction } from '@plimsoll/database'
import { type EventMetadata, handle, isErased, scan } from '@plimsoll/eventlog'
import type { ErasureAnswer, ScanAnswer } from './contract.ts'
import { beginErasure, forgetAnswers, keepScan, readErasure, type UserStore } from './store.ts'
import { personal, streamOf } from './user/events.ts'
import { user } from './user/user.ts'

/** Where a scan looks: databases, one at least, by the name that stands in the receipt, and folders. */
export interface Places {
  databases: Readonly<Record<string, Database>>
  folders: readonly string[]
}

export interface ErasureOptions {
  store: UserStore
  /** Whose Idempotency-Keys are kept. */
  tenant: string
  places: Places
}

/** A personal value, and which field it was in: what the receipt may say of it. */
interface Remembered {
  text: string
  field: string
}

/** Times to begin again at most, when another request writes to the same user at the same moment. */
const attempts = 5
/** Shorter ones are everywhere by chance, and the scan does not take them. */
const shortest = 4
/** Each is looked for in each row: addresses and names go first. */
const most = 100
const order = ['email', 'name', 'reason']

/** Destroys the key of a user, leaves a tombstone, and looks everywhere for what must not be found. */
export class Erasures {
  readonly #options: ErasureOptions
  /** One scan at a time: each reads whole disks. */
  #scanning: Promise<unknown> = Promise.resolve()

  constructor(options: ErasureOptions) {
    this.#options = options
  }

  /** Done a second time it changes nothing and gives the receipt that there is. @throws UserNotFoundError */
  async erase(userId: string, reason: string, metadata: EventMetadata): Promise<ErasureAnswer> {
    const { texts, first } = await this.#destroy(userId, reason, metadata)
    if (first) {
      const turn = this.#scanning.then(() => this.#scan(texts))
      this.#scanning = turn.catch(() => undefined)
      await keepScan(this.#options.store.events.database, userId, await turn)
    }
    return (await this.receipt(userId))!
  }

  async receipt(userId: string): Promise<ErasureAnswer | undefined> {
    const { events } = this.#options.store
    const receipt = await readErasure(events.database, userId)
    if (!receipt) return undefined
    for await (const { version } of events.readStream(streamOf(userId), { backward: true, batch: 1, sealed: true })) {
      return { ...receipt, version }
    }
    return undefined
  }

  /** Tombstone, key and kept answers in one transaction: there is no moment at which only some of it is done. */
  async #destroy(userId: string, reason: string, metadata: EventMetadata) {
    const { events, keyring } = this.#options.store
    const subject = streamOf(userId)
    for (let attempt = 1; ; attempt++) {
      try {
        const done = await events.database.transaction(async tx => {
          // First: it locks the stream, so that nothing personal is written behind what is remembered next.
          const command = { do: 'erase' as const, id: userId, reason }
          const { events: happened } = await handle(user, events, subject, command, { tx, metadata })
          const texts = await this.#remember(tx, subject)
          await keyring.destroy(subject, tx)
          await forgetAnswers(tx, this.#options.tenant, userId)
          await beginErasure(tx, userId)
          return { texts, first: happened.length > 0 }
        })
        keyring.forget(subject)
        return done
      } catch (error) {
        if (!isTransient(error) || attempt === attempts) throw error
      }
    }
  }

  /** Every personal value that there ever was, while it can still be read. In memory only. */
  async #remember(tx: Transaction, stream: string): Promise<Remembered[]> {
    const found = new Map<string, string>()
    for await (const { type, data } of this.#options.store.events.readStream(stream, { tx })) {
      const values = data as Record<string, unknown>
      for (const field of personal[type as keyof typeof personal]?.fields ?? []) {
        const text = values[field]
        const isText = typeof text === 'string' && !isErased(text)
        if (isText && !found.has(text)) found.set(text, fieldOf(type, field))
      }
    }
    return [...found].map(([text, field]) => ({ text, field }))
  }

  async #scan(remembered: readonly Remembered[]): Promise<ScanAnswer> {
    const { databases, folders } = this.#options.places
    const long = remembered.filter(({ text }) => text.length >= shortest)
    const wanted = long.sort((a, b) => order.indexOf(a.field) - order.indexOf(b.field)).slice(0, most)
    const texts = wanted.map(({ text }) => text)
    const [tooShort, tooMany] = [remembered.length - long.length, long.length - wanted.length]
    const answer: ScanAnswer = { texts: texts.length, tooShort, tooMany, tables: 0, files: 0, bytes: 0, found: [] }
    for (const [i, [name, database]] of Object.entries(databases).entries()) {
      const receipt = await scan({ database, texts, folders: i === 0 ? folders : [] })
      answer.tables += receipt.tables
      answer.files += receipt.files
      answer.bytes += receipt.bytes
      for (const { where, text } of receipt.found) {
        answer.found.push({ where: where.replace(/^table /, `${name} store, table `), what: wanted[text]!.field })
      }
    }
    return answer
  }
}

/** `from` of a changed e-mail address is an e-mail address. */
function fieldOf(type: string, field: string): string {
  return field === 'from' || field === 'to' ? type.slice('user.'.length, -'-changed'.length) : field
}
