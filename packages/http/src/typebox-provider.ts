import type { FastifyTypeProvider } from 'fastify'
import type { Static, TSchema } from 'typebox'

/**
 * Handlers typed by their TypeBox schemas: `app.withTypeProvider<TypeBoxProvider>()`. The checks at run time are
 * Fastify's own, TypeBox schemas being JSON Schema.
 */
export interface TypeBoxProvider extends FastifyTypeProvider {
  validator: this['schema'] extends TSchema ? Static<this['schema']> : unknown
  serializer: this['schema'] extends TSchema ? Static<this['schema']> : unknown
}
