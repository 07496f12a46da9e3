import type { Database } from '@plimsoll/database'
import type { FastifyInstance } from 'fastify'
import { addLossReport } from '../client-losses.ts'
import { LossReport, LossReportAnswer } from '../contract.ts'
import type { Ingest } from '../ingest/ingest.ts'

/** `POST /v1/losses`: what a client knows it lost, so that the books can show it. Each report counts once by its id. */
export function lossRoutes(app: FastifyInstance, database: Database, ingest: Ingest): void {
  app.post<{ Body: LossReport }>(
    '/v1/losses',
    {
      schema: {
        summary: 'Tell what a client lost',
        description: 'Counts by reason since the last report. `duplicate` is a success: the report was added before.',
        body: LossReport,
        response: { 200: LossReportAnswer }
      }
    },
    async request => {
      const { project } = request.principal!
      const { id, losses } = request.body
      const added = await ingest.admitted(project, 1, () =>
        ingest.write(() => addLossReport(database, project, id, losses), request.deadline)
      )
      return { result: added ? ('accepted' as const) : ('duplicate' as const) }
    }
  )
}
