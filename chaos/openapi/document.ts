import Schema from 'typebox/schema'

/** What of JSON Schema the generator reads. The validator reads all of it. */
export interface JsonSchema {
  type?: string
  anyOf?: JsonSchema[]
  enum?: unknown[]
  const?: unknown
  properties?: Record<string, JsonSchema>
  required?: string[]
  additionalProperties?: boolean | JsonSchema
  items?: JsonSchema
  minItems?: number
  maxItems?: number
  minLength?: number
  maxLength?: number
  pattern?: string
  format?: string
  minimum?: number
  maximum?: number
}

export interface Parameter {
  in: 'path' | 'query' | 'header'
  name: string
  required: boolean
  schema: JsonSchema
}

export interface DocumentedAnswer {
  /** True when the document says that there is a body. */
  hasBody: boolean
  /** What in `body` is unlike the document; `undefined` when it fits. */
  faultOf(body: unknown): string | undefined
}

export interface Operation {
  /** As in `POST /v1/events`. */
  name: string
  method: string
  path: string
  parameters: Parameter[]
  body?: { types: string[]; schema: JsonSchema }
  answers: Map<number, DocumentedAnswer>
}

export interface OpenApiDocument {
  paths: Record<string, Record<string, OperationObject>>
}

interface OperationObject {
  parameters?: { in: Parameter['in']; name: string; required?: boolean; schema: JsonSchema }[]
  requestBody?: { content: Record<string, { schema: JsonSchema }> }
  responses: Record<string, { content?: Record<string, { schema?: JsonSchema }> }>
}

/**
 * What is not sent: fault knobs and drain, because they break the platform on purpose and would tell nothing; and the
 * erasure of a user, because each looks through the whole disk.
 */
export const excluded = [/^\/admin\//, /\/faults$/, /\/drain$/, /\/erase$/]

/** The operations of a document, but for those that are {@link excluded}. */
export function operationsOf({ paths }: OpenApiDocument): Operation[] {
  return Object.entries(paths).flatMap(([path, methods]) =>
    excluded.some(pattern => pattern.test(path))
      ? []
      : Object.entries(methods).map(([method, described]) => operationOf(method.toUpperCase(), path, described))
  )
}

function operationOf(method: string, path: string, described: OperationObject): Operation {
  const content = described.requestBody?.content ?? {}
  const types = Object.keys(content)
  const schema = content[types[0] ?? '']?.schema
  return {
    name: `${method} ${path}`,
    method,
    path,
    parameters: (described.parameters ?? []).map(parameter => ({ required: false, ...parameter })),
    ...(schema ? { body: { types, schema } } : {}),
    answers: new Map(
      Object.entries(described.responses).map(([status, answer]) => [
        Number(status),
        answerOf(Object.values(answer.content ?? {})[0]?.schema)
      ])
    )
  }
}

function answerOf(schema: JsonSchema | undefined): DocumentedAnswer {
  if (!schema || schema.type === 'null') return { hasBody: false, faultOf: () => undefined }
  const validator = Schema.Compile(schema)
  return {
    hasBody: true,
    faultOf(body) {
      if (validator.Check(body)) return undefined
      const [first] = validator.Errors(body)[1]
      return first ? `${first.instancePath || '/'} ${first.message}` : 'does not fit'
    }
  }
}
