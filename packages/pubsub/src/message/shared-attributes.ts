type Texts = Readonly<Record<string, string>>

/** Attributes that say of a message what its id and its key say already. */
export const derived: ReadonlySet<string> = new Set(['id', 'correlationid', 'partitionkey'])

/** What many messages of one publisher say alike, looked up once for all of them. */
export class SharedAttributes {
  /** CloudEvents attributes: none that is derived when it is shared, all of them when it is of one message. */
  readonly attributes: Texts
  /** Characters of the attributes' names and values. */
  readonly size: number
  readonly contentType: string
  readonly type: string
  readonly version: number | null
  readonly source: string
  readonly subject: string | null
  /** In milliseconds since 1970. */
  readonly time: number
  readonly traceparent: string | null
  readonly tracestate: string | null
  readonly correlationId: string | undefined
  readonly causationId: string | null

  constructor(attributes: Texts) {
    this.attributes = attributes
    let size = 0
    for (const name in attributes) size += name.length + attributes[name]!.length
    this.size = size
    this.contentType = attributes.datacontenttype ?? 'application/json'
    this.type = attributes.type ?? ''
    this.version = versionIn(attributes.dataschema)
    this.source = attributes.source ?? ''
    this.subject = attributes.subject ?? null
    this.time = Date.parse(attributes.time ?? '') || 0
    this.traceparent = attributes.traceparent ?? null
    this.tracestate = attributes.tracestate ?? null
    this.correlationId = attributes.correlationid
    this.causationId = attributes.causationid ?? null
  }

  /** All attributes of a message that has no others. */
  attributesOf(id: string, key: string | null): Record<string, string> {
    const { attributes } = this
    return key === null
      ? { ...attributes, id, correlationid: id }
      : { ...attributes, id, correlationid: id, partitionkey: key }
  }
}

function versionIn(dataschema: string | undefined): number | null {
  if (dataschema === undefined) return null
  const [, version] = /^urn:schema:[^:]+:(\d+)$/.exec(dataschema) ?? []
  return version === undefined ? null : Number(version)
}
