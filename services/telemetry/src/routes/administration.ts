import type { Database } from '@plimsoll/database'
import { problem, problemResponses } from '@plimsoll/http'
import type { FastifyInstance } from 'fastify'
import Type from 'typebox'
import { readClientLosses } from '../client-losses.ts'
import { KeyAnswer, KeyList, NewKey, ProjectName } from '../contract.ts'
import type { Ingest } from '../ingest/ingest.ts'
import type { Keys } from '../keys.ts'
import { LedgerAnswer } from '../ledger-contract.ts'
import { readLedger } from '../store.ts'
import { requireAdmin } from './principal.ts'

/** How many accepted events the read side has counted; null when it cannot say. */
export type CountedPort = (project: string) => Promise<number | null>

/** The books, and the keys. */
export function administrationRoutes(
  app: FastifyInstance,
  database: Database,
  keys: Keys,
  ingest: Ingest,
  counted: CountedPort
): void {
  app.get(
    '/v1/ledger',
    {
      schema: {
        summary: 'The books of a project',
        querystring: Type.Object({ project: Type.Optional(Type.String()) }),
        response: { 200: LedgerAnswer }
      }
    },
    async request => {
      const { project } = requireAdmin(request)
      // Counted is read first: what is accepted meanwhile then shows as pending, never as less than nothing.
      const readSide = await counted(project)
      const row = await ingest.read(() => readLedger(database, project), request.deadline)
      const clientLosses = await ingest.read(() => readClientLosses(database, project), request.deadline)
      const pending = readSide === null ? null : row.accepted - readSide
      const spool = ingest.spool?.standingOf(project) ?? null
      return {
        project,
        ...row,
        counted: readSide,
        pending,
        spooled: spool?.events ?? null,
        spool,
        balanced:
          row.received === row.accepted + row.duplicate + row.rejected + row.quarantined &&
          (pending === null || pending >= 0),
        clientLosses,
        asOf: new Date().toISOString()
      }
    }
  )

  app.post<{ Params: { project: string }; Body: { backfill?: boolean } }>(
    '/v1/projects/:project/keys',
    {
      schema: {
        summary: 'Make a write key; it is shown this once',
        params: Type.Object({ project: ProjectName }),
        body: NewKey,
        response: { 201: KeyAnswer }
      }
    },
    async (request, reply) => {
      if (!request.principal?.admin) throw problem(403, 'admin_required', 'Only the admin token can make keys.')
      const { token, ...key } = await ingest.write(
        () => keys.create(request.params.project, { backfill: request.body.backfill === true }),
        request.deadline
      )
      return reply.code(201).send({ ...key, key: token })
    }
  )

  app.get<{ Params: { project: string } }>(
    '/v1/projects/:project/keys',
    {
      schema: {
        summary: 'The write keys of a project, the newest thousand; never what they are, which nobody keeps',
        params: Type.Object({ project: ProjectName }),
        response: { 200: KeyList }
      }
    },
    async request => {
      if (!request.principal?.admin) throw problem(403, 'admin_required', 'Only the admin token can see keys.')
      const rows = await ingest.read(() => keys.list(request.params.project), request.deadline)
      return {
        keys: rows.map(({ id, backfill, createdAt, revokedAt }) => ({
          id,
          backfill,
          createdAt: createdAt.toISOString(),
          revokedAt: revokedAt?.toISOString() ?? null
        }))
      }
    }
  )

  app.delete<{ Params: { project: string; id: string } }>(
    '/v1/projects/:project/keys/:id',
    {
      schema: {
        summary: 'Revoke a write key: what comes with it is refused, within a minute everywhere; what it sent stays',
        params: Type.Object({ project: ProjectName, id: Type.String({ pattern: '^[a-z0-9]{12}$' }) }),
        response: { 204: Type.Null(), ...problemResponses(404) }
      }
    },
    async (request, reply) => {
      if (!request.principal?.admin) throw problem(403, 'admin_required', 'Only the admin token can revoke keys.')
      const { project, id } = request.params
      const isKnown = await ingest.write(() => keys.revoke(project, id), request.deadline)
      if (!isKnown) throw problem(404, 'key_not_found', `${project} has no key with this id; see the list of its keys.`)
      return reply.code(204).send()
    }
  )
}
