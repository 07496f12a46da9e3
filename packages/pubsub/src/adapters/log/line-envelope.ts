import type { Envelope, LazyParts } from '../../message/envelope.ts'
import type { SharedAttributes } from '../../message/shared-attributes.ts'

type Texts = Readonly<Record<string, string>>

/** Of a line whose data is JSON: read with the line. The data's text is found in the line for those who ask. */
export class LineEnvelope implements Envelope {
  readonly id: string
  readonly key: string | null
  readonly partition: number
  readonly headers: Texts
  readonly common: SharedAttributes | undefined
  readonly value: unknown
  readonly json = true
  #line: string
  #between: number
  #attributes: Texts | undefined

  /** `between`: characters that stand between the key and the data. */
  constructor(parts: Omit<LazyParts, 'json' | 'fresh'>, value: unknown, line: string, between: number) {
    this.id = parts.id
    this.key = parts.key
    this.partition = parts.partition
    this.headers = parts.headers
    this.common = parts.common
    this.value = value
    this.#line = line
    this.#between = between
    this.#attributes = parts.attributes
  }

  get attributes(): Texts {
    this.#attributes ??= this.common!.attributesOf(this.id, this.key)
    return this.#attributes
  }

  /** As it was published: what a reader of numbers of its own makes of it is not for us to round. */
  get text(): string {
    const begin = JSON.stringify(this.id).length + JSON.stringify(this.key).length + 3
    return this.#line.slice(begin + this.#between, -1)
  }

  get data(): Uint8Array {
    return Buffer.from(this.text)
  }
}
