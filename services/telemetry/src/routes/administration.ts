import type { Database } from '@plimsoll/database'
import { problem } from '@plimsoll/http'
import type { FastifyInstance } from 'fastify'
import Type from 'typebox'
import { readClientLosses } from '../client-losses.ts'
import { KeyAnswer, NewKey, ProjectName } from '../contract.ts'
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
}
