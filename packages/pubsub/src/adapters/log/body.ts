import { isUtf8 } from 'node:buffer'
import { type Envelope, LazyEnvelope } from '../../message/envelope.ts'
import { derived, SharedAttributes } from '../../message/shared-attributes.ts'
import { LineEnvelope } from './line-envelope.ts'

type Texts = Readonly<Record<string, string>>

/** Attributes that are not as the shared ones say; `null`: it has none of that name. */
type Own = Record<string, string | null>

/**
 * A line of a body is a message: id, key, then what is its own where it has anything, and last its data. JSON stands there
 * as it is; other data as text, or as base64 where it is no text.
 */
type Line =
  | [id: string, key: string | null, data: unknown]
  | [id: string, key: string | null, own: Own, headers: Texts, data: unknown]
  | [id: string, key: string | null, own: Own, headers: Texts, form: 'text' | 'base64', data: string]

/** Of a body before there were lines: one JSON text without a line break, its data a text, or base64 in a list. */
type OldMessage = [id: string, key: string | null, data: string | [base64: string], own?: Own, headers?: Texts]

/**
 * One JSON text a segment, of a line a message, because no JSON that is written here breaks a line: a message is found and
 * read by itself, when it is its turn.
 */
export function bodyOf(messages: readonly Envelope[]): string {
  const common = messages[0]!.common ?? new SharedAttributes(withoutDerived(messages[0]!.attributes))
  const lines = [`[${JSON.stringify(common.attributes)}`]
  let like = messages[0]!.common
  let own: string | undefined
  for (const message of messages) {
    if (!message.common || message.common !== like) {
      own = writtenOwn(message, common)
      like = message.common
    }
    lines.push(lineOf(message, own))
  }
  lines[lines.length - 1] += '\n]'
  // Joined it is one text; what it is made of does not wait for the commit with it.
  return lines.join(',\n')
}

function lineOf(message: Envelope, own: string | undefined): string {
  const { id, key, json, text, headers, fresh } = message
  const begin = `[${fresh ? `"${id}"` : JSON.stringify(id)},${key === null ? 'null' : JSON.stringify(key)},`
  let bare = own === undefined
  for (const _ in headers) bare = false
  if (json && bare) return `${begin}${text}]`
  const parts = `${begin}${own ?? '{}'},${JSON.stringify(headers)},`
  if (json) return `${parts}${text}]`
  const [form, data] = writtenData(message)
  return `${parts}"${form}",${JSON.stringify(data)}]`
}

function writtenData({ text, data }: Envelope): ['text' | 'base64', string] {
  if (text !== undefined) return ['text', text]
  const bytes = Buffer.from(data.buffer, data.byteOffset, data.byteLength)
  return isUtf8(bytes) ? ['text', bytes.toString()] : ['base64', bytes.toString('base64')]
}

function withoutDerived(attributes: Texts): Texts {
  return Object.fromEntries(Object.entries(attributes).filter(([name]) => !derived.has(name)))
}

function writtenOwn({ id, key, attributes }: Envelope, common: SharedAttributes): string | undefined {
  const expected = common.attributesOf(id, key)
  const own: Own = {}
  for (const name of Object.keys(attributes)) {
    if (!Object.hasOwn(expected, name) || expected[name] !== attributes[name]) own[name] = attributes[name]!
  }
  for (const name of Object.keys(expected)) if (!Object.hasOwn(attributes, name)) own[name] = null
  for (const _ in own) return JSON.stringify(own)
  return undefined
}

/** A body that is looked into, a message at a time. */
export class Body {
  readonly #text: string
  readonly #partition: number
  readonly #common: SharedAttributes
  #timed: SharedAttributes
  /** Where each line begins, and behind the last one. */
  readonly #begins: Uint32Array

  constructor(body: string, count: number, partition: number) {
    this.#text = inLines(body)
    this.#partition = partition
    this.#begins = new Uint32Array(count + 1)
    let end = this.#text.indexOf('\n')
    this.#common = new SharedAttributes(JSON.parse(this.#text.slice(1, end - 1)) as Texts)
    this.#timed = this.#common
    for (let i = 0; i < count; i++) {
      this.#begins[i] = end + 1
      end = this.#text.indexOf('\n', end + 1)
    }
    // The last line ends without a comma.
    this.#begins[count] = end + 2
  }

  /** Read anew each time: nothing is kept, and nobody sees what another has changed in it. */
  envelopeAt(index: number): Envelope {
    const line = this.#text.slice(this.#begins[index]!, this.#begins[index + 1]! - 2)
    const read = JSON.parse(line) as Line
    const [id, key] = read
    const partition = this.#partition
    if (read.length === 3) {
      const parts = { id, key, partition, headers: {}, common: this.#common, attributes: undefined }
      return new LineEnvelope(parts, read[2], line, 0)
    }
    const [, , own, headers] = read
    const common = this.#commonWith(own)
    const attributes = common ? undefined : this.#attributesOf(id, key, own)
    const parts = { id, key, partition, headers, common, attributes }
    if (read.length === 6) {
      const data = read[4] === 'text' ? read[5] : Buffer.from(read[5], 'base64')
      return new LazyEnvelope({ ...parts, json: false, fresh: false }, data)
    }
    const between = JSON.stringify(own).length + JSON.stringify(headers).length + 2
    return new LineEnvelope(parts, read[4], line, between)
  }

  /** Where messages of several calls share a segment, their times differ and nothing else. */
  #commonWith(own: Own): SharedAttributes | undefined {
    for (const name in own) if (name !== 'time') return
    const { time } = own
    if (time === undefined) return this.#common
    if (time === null) return
    if (this.#timed.attributes.time !== time) this.#timed = new SharedAttributes({ ...this.#common.attributes, time })
    return this.#timed
  }

  #attributesOf(id: string, key: string | null, own: Own): Texts {
    const attributes = this.#common.attributesOf(id, key)
    for (const name in own) {
      const value = own[name]
      if (value === null || value === undefined) delete attributes[name]
      else attributes[name] = value
    }
    return attributes
  }
}

function inLines(body: string): string {
  if (body.includes('\n')) return body
  const [shared, messages] = JSON.parse(body) as [Texts, OldMessage[]]
  const lines = messages.map(([id, key, data, own = {}, headers = {}]) => {
    const line: Line =
      typeof data === 'string' ? [id, key, own, headers, 'text', data] : [id, key, own, headers, 'base64', data[0]]
    return JSON.stringify(line)
  })
  return `[${[JSON.stringify(shared), ...lines].join(',\n')}\n]`
}

/** The same body without its first messages, and their ids. */
export function withoutFirst(body: string, count: number): { body: string; ids: string[] } {
  const [shared, ...lines] = inLines(body).split('\n')
  const ids = lines.slice(0, count).map(line => (JSON.parse(line.replace(/,$/, '')) as Line)[0])
  return { body: [shared, ...lines.slice(count)].join('\n'), ids }
}
