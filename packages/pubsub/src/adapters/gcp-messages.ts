import { createHash } from 'node:crypto'
import type { Delivery } from '../broker.ts'
import { InvalidMessageError } from '../errors.ts'
import type { Envelope } from '../message/envelope.ts'
import { decode, encode, type Field } from './gcp-protobuf.ts'

/** Before the names of the attributes, as the Pub/Sub binding of CloudEvents says, and before a publisher's own headers. */
const cloudEvents = 'ce-'
const own = 'h-'

/**
 * The service's `PubsubMessage`. Its attributes take any text, so nothing is percent-encoded.
 * @throws InvalidMessageError for what the service refuses
 */
export function encodeMessage({ key, attributes, headers, data }: Envelope): Buffer {
  const pairs: [string, string][] = [
    ...Object.entries(attributes).map(([name, value]): [string, string] => [cloudEvents + name, value]),
    ...Object.entries(headers).map(([name, value]): [string, string] => [own + name, value])
  ]
  if (pairs.length > 100) throw new InvalidMessageError('Pub/Sub takes 100 attributes and headers at most')
  for (const [name, value] of pairs) {
    if (Buffer.byteLength(name) <= 256 && Buffer.byteLength(value) <= 1_024) continue
    throw new InvalidMessageError(`Pub/Sub takes 1,024 bytes of an attribute, and 256 of its name: "${name}"`)
  }
  const fields: Field[] = [[1, data]]
  for (const [name, value] of pairs) {
    const pair: Field[] = [
      [1, name],
      [2, value]
    ]
    fields.push([2, pair])
  }
  if (key !== null) fields.push([5, orderingKey(key)])
  return encode(fields)
}

/** The service takes 1,024 bytes; a longer key is known by its hash. */
function orderingKey(key: string): string {
  return Buffer.byteLength(key) <= 1_000 ? key : createHash('sha256').update(key).digest('hex')
}

/** What `ack` names. */
export interface Receipt {
  ackId: string
}

/** Of a `StreamingPullResponse`. */
export function* deliveriesIn(response: Buffer, partition: number): Generator<Delivery> {
  for (const [number, received] of decode(response)) {
    if (number !== 1) continue
    let ackId = ''
    let message: Buffer | undefined
    for (const [field, value] of decode(received as Buffer)) {
      if (field === 1) ackId = String(value)
      if (field === 2) message = value as Buffer
    }
    if (message) yield deliveryOf(message, { ackId }, partition)
  }
}

function deliveryOf(message: Buffer, receipt: Receipt, partition: number): Delivery {
  const attributes: Record<string, string> = {}
  const headers: Record<string, string> = {}
  let data: Uint8Array = new Uint8Array()
  let publishedAt = Date.now()
  for (const [field, value] of decode(message)) {
    if (field === 1) data = value as Buffer
    if (field === 2) {
      const [name, text] = pairIn(value as Buffer)
      if (name.startsWith(cloudEvents)) attributes[name.slice(cloudEvents.length)] = text
      else if (name.startsWith(own)) headers[name.slice(own.length)] = text
    }
    if (field === 4) {
      publishedAt = 0
      for (const [part, count] of decode(value as Buffer)) {
        if (part === 1) publishedAt += Number(count) * 1_000
        if (part === 2) publishedAt += Number(count) / 1e6
      }
    }
  }
  const { id = '', partitionkey = null } = attributes
  const envelope = { id, key: partitionkey, partition, attributes, headers, data }
  return { envelope, position: null, publishedAt, receipt }
}

/** An entry of a map of texts: an attribute, a label. */
export function pairIn(entry: Buffer): [name: string, text: string] {
  let name = ''
  let text = ''
  for (const [number, value] of decode(entry)) {
    if (number === 1) name = String(value)
    if (number === 2) text = String(value)
  }
  return [name, text]
}
