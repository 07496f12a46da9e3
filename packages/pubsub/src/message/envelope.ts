import { derived, type SharedAttributes } from './shared-attributes.ts'

/**
 * A message as brokers carry it: CloudEvents 1.0 in binary mode. The attributes stand beside the data and never in it, so
 * that a broker's own tools and a reader of another language see both.
 */
export interface Envelope {
  readonly id: string
  /** What is kept in order. `null`: nothing is. */
  readonly key: string | null
  readonly partition: number
  /** CloudEvents attributes, their extensions among them. */
  readonly attributes: Readonly<Record<string, string>>
  /** The publisher's own. */
  readonly headers: Readonly<Record<string, string>>
  readonly data: Uint8Array
  /** The data as text, where it was made of text. */
  readonly text?: string | undefined
  /** The text is JSON in one line, as `jsonCodec` writes it. */
  readonly json?: boolean | undefined
  /** The data, where it was read already as `jsonCodec` reads it; for one handler, which may change it. */
  readonly value?: unknown
  /** What it shares with others, when it has no other attributes but those that are derived. */
  readonly common?: SharedAttributes | undefined
  /** Its id was made just now, for it: it is published for the first time. */
  readonly fresh?: boolean | undefined
}

/** One of `common` and `attributes`. */
export type LazyParts = Required<Omit<Envelope, 'data' | 'text' | 'value' | 'attributes'>> & {
  readonly attributes: Envelope['attributes'] | undefined
}

/** What is asked for by few is made for those: all attributes, and bytes of what is text. */
export class LazyEnvelope implements Envelope {
  readonly id: string
  readonly key: string | null
  readonly partition: number
  readonly headers: Readonly<Record<string, string>>
  readonly text: string | undefined
  readonly json: boolean | undefined
  readonly fresh: boolean | undefined
  readonly common: SharedAttributes | undefined
  #attributes: Readonly<Record<string, string>> | undefined
  #data: Uint8Array | undefined

  constructor(parts: LazyParts, data: string | Uint8Array) {
    this.id = parts.id
    this.key = parts.key
    this.partition = parts.partition
    this.headers = parts.headers
    this.json = parts.json
    this.fresh = parts.fresh
    this.common = parts.common
    this.#attributes = parts.attributes
    this.text = typeof data === 'string' ? data : undefined
    this.#data = typeof data === 'string' ? undefined : data
  }

  get attributes(): Readonly<Record<string, string>> {
    this.#attributes ??= this.common!.attributesOf(this.id, this.key)
    return this.#attributes
  }

  get data(): Uint8Array {
    this.#data ??= Buffer.from(this.text!)
    return this.#data
  }
}

const derivedNames = [...derived].join('').length

/** Of the data, the attributes and the headers, in bytes: what limits are about. */
export function sizeOf({ attributes, headers, data }: Envelope): number {
  let bytes = data.byteLength
  for (const record of [attributes, headers]) {
    for (const name in record) bytes += name.length + Buffer.byteLength(record[name]!)
  }
  return bytes
}

/** True when it is surely within a limit of bytes: a character has three at most. Cheaper than the size. */
export function surelyWithin(limit: number, envelope: Envelope): boolean {
  const { id, key, common, headers, text } = envelope
  let most = text === undefined ? envelope.data.byteLength : 3 * text.length
  if (common) most += 3 * (common.size + 2 * id.length + (key?.length ?? 0) + derivedNames)
  else {
    const { attributes } = envelope
    for (const name in attributes) most += 3 * (name.length + attributes[name]!.length)
  }
  for (const name in headers) most += 3 * (name.length + headers[name]!.length)
  return most <= limit
}

/** Before a publisher's own headers on a broker, where all share one space of names. */
const ownPrefix = 'h-'

/**
 * Attributes and headers as pairs of plain ASCII, for brokers whose headers take no more: values are percent-encoded as the
 * HTTP and NATS bindings of CloudEvents say.
 */
export function toPairs({ attributes, headers }: Envelope, prefix = 'ce-'): Record<string, string> {
  const pairs: Record<string, string> = {}
  for (const name in attributes) pairs[prefix + name] = percentEncoded(attributes[name]!)
  for (const name in headers) pairs[ownPrefix + percentEncoded(name)] = percentEncoded(headers[name]!)
  return pairs
}

export function fromPairs(
  pairs: Iterable<readonly [string, string]>,
  prefix = 'ce-'
): Pick<Envelope, 'attributes' | 'headers'> {
  const attributes: Record<string, string> = {}
  const headers: Record<string, string> = {}
  for (const [name, value] of pairs) {
    if (name.startsWith(prefix)) attributes[name.slice(prefix.length)] = decoded(value)
    else if (name.startsWith(ownPrefix)) headers[decoded(name.slice(ownPrefix.length))] = decoded(value)
  }
  return { attributes, headers }
}

const plain = /^[!#-$&-~]*$/

function percentEncoded(value: string): string {
  return plain.test(value) ? value : encodeURIComponent(value.toWellFormed())
}

/** Another program's value with a stray percent sign is taken as it is. */
function decoded(value: string): string {
  if (!value.includes('%')) return value
  try {
    return decodeURIComponent(value)
  } catch {
    return value
  }
}
