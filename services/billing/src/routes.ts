import { type Database, isUnavailable } from '@plimsoll/database'
import { type Cursor, start } from '@plimsoll/eventlog'
import {
  type AccessOptions,
  deadlineOf,
  documentedDeadline,
  documentProblems,
  documentRequests,
  Problem,
  problem,
  problemResponses,
  requireAdmin,
  type TypeBoxProvider
} from '@plimsoll/http'
import type { LogSubscriber } from '@plimsoll/pubsub/bulk'
import type { Clock } from '@plimsoll/resilience'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import {
  type Line,
  LinesAnswer,
  LinesQuery,
  MonthAnswer,
  MonthParams,
  MonthQuery,
  MonthsAnswer,
  ProjectParams,
  RecomputeAnswer
} from './contract.ts'
import type { Invoiced, Order } from './invoices.ts'
import { amountOf, type LedgerEntry, type Price } from './ledger/entry.ts'
import { endOf } from './ledger/sessions.ts'
import { demandedBy, headWithin, notReached, positionOf, positionText } from './position.ts'
import type { Recomputed } from './recompute.ts'
import { listMonths, type Month, readLines, readMonthNow, readWholeFrom } from './store.ts'

/** How long a question may take from its arrival, in milliseconds; less when its X-Request-Deadline says so. */
const requestMs = 10_000
const mostMonths = 1_200

export interface RoutesOptions extends AccessOptions {
  log: Database
  store: Database
  subscriber: LogSubscriber
  price: Price
  now(): number
  clock: Clock
  invoice(order: Order): Promise<Invoiced>
  recompute(): Promise<Recomputed>
}

export async function billingRoutes(app: FastifyInstance, options: RoutesOptions): Promise<void> {
  const { log, store, subscriber, price, now, clock } = options
  app.decorateRequest('deadline', 0)
  documentProblems(app, 400, 401, 403, 503)
  documentRequests(app, {
    headers: documentedDeadline(requestMs),
    credentials: method => (method === 'GET' ? ['bearer', 'cookie'] : ['bearer'])
  })
  app.setErrorHandler(async error => {
    if (!isUnavailable(error)) throw error
    throw new Problem(503, 'read_store_unavailable', 'A store of billing cannot be asked; ask again.', {
      headers: { 'retry-after': '2' }
    })
  })
  app.addHook('onRequest', async (request, reply) => {
    reply.header('cache-control', 'no-store')
    request.deadline = deadlineOf(request, { clock, longestMs: requestMs })
    requireAdmin(request, options)
  })
  const typed = app.withTypeProvider<TypeBoxProvider>()

  /** `whole`: it was waited until everything that was committed before the question is in. */
  const freshness = (whole = false) => {
    const { asOf, lagMs, caughtUp, cursor, parkedKeys } = subscriber.state
    return {
      asOf: new Date(asOf).toISOString(),
      lagMs,
      complete: (whole || (caughtUp && asOf > 0)) && parkedKeys === 0,
      position: positionText(cursor),
      parkedKeys
    }
  }
  const reach = async (demanded: Cursor | undefined, { deadline }: FastifyRequest) => {
    if (!demanded || (await subscriber.reach(demanded, deadline))) return
    throw notReached(demanded, subscriber.state.cursor, subscriber.state.lagMs)
  }
  const answerOf = (
    { project, month, sessions, invoice, corrections, wholeFrom }: Month,
    fresh: ReturnType<typeof freshness>
  ) => ({
    project,
    month: month.slice(0, 7),
    state: invoice ? ('invoiced' as const) : ('open' as const),
    sessions,
    unitPrice: invoice?.unitPrice ?? price.unitPrice,
    currency: invoice?.currency ?? price.currency,
    amount: invoice ? invoice.amount + corrections.amount : amountOf(sessions, price),
    invoice: invoice ? lineOf(invoice) : null,
    corrections,
    freshness: { ...fresh, complete: fresh.complete && wholeFrom === undefined }
  })

  typed.get(
    '/v1/billing/:project',
    {
      schema: {
        summary: 'Months of a project with billable sessions, the latest first',
        params: ProjectParams,
        response: { 200: MonthsAnswer }
      }
    },
    async request => {
      const { project } = request.params
      const fresh = freshness()
      const [months, wholeFrom] = await Promise.all([listMonths(store, project, mostMonths), readWholeFrom(store)])
      return {
        project,
        months: months.map(({ month, sessions, invoiced }) => ({
          month: month.slice(0, 7),
          sessions,
          state: invoiced ? ('invoiced' as const) : ('open' as const)
        })),
        freshness: { ...fresh, complete: fresh.complete && wholeFrom === undefined }
      }
    }
  )
  typed.get(
    '/v1/billing/:project/:month',
    {
      schema: {
        summary: 'What a month comes to: billable sessions, invoice, corrections',
        params: MonthParams,
        querystring: MonthQuery,
        response: { 200: MonthAnswer }
      }
    },
    async request => {
      const { project, month } = request.params
      await reach(await demandedBy(request.query, log, request.deadline - clock.now()), request)
      // Before the look: what it holds more is no harm.
      const fresh = freshness(request.query.consistency === 'billing')
      return answerOf(await readMonthNow(store, project, `${month}-01`), fresh)
    }
  )
  typed.get(
    '/v1/billing/:project/:month/entries',
    {
      schema: {
        summary: 'The ledger of a month: its invoice and all corrections, in the order of the log',
        params: MonthParams,
        querystring: LinesQuery,
        response: { 200: LinesAnswer }
      }
    },
    async request => {
      const { project, month } = request.params
      const { after, limit = 100 } = request.query
      const from = after === undefined ? { ...start, position: -1 } : positionOf(after)
      const lines = await readLines(store, project, `${month}-01`, from, limit + 1)
      const next = lines.length > limit ? positionText(lines[limit - 1]!) : null
      return { project, month, entries: lines.slice(0, limit).map(lineOf), next }
    }
  )
  typed.post(
    '/v1/billing/:project/:month/invoice',
    {
      schema: {
        summary: 'Invoices a month that is over, with all that was committed before the request; a second time nothing',
        params: MonthParams,
        response: { 200: MonthAnswer, 201: MonthAnswer, ...problemResponses(409) }
      }
    },
    async (request, reply) => {
      const { project } = request.params
      const month = `${request.params.month}-01`
      if (now() < endOf(month)) throw problem(409, 'month_not_over', 'A month is invoiced when it is over, in UTC.')
      const least = await headWithin(log, request.deadline - clock.now())
      await reach(least, request)
      const done = await options.invoice({ project, month, price, at: now(), least })
      // The subscriber is another process, and what this one believes of it is not what the store says.
      if ('short' in done) throw notReached(least, done.short, subscriber.state.lagMs)
      if ('parked' in done) {
        const detail = `${done.parked} sessions wait behind a failure and are not counted. See GET /v1/subscribers; retry them first.`
        throw problem(409, 'billing_incomplete', detail)
      }
      if ('cut' in done) {
        const detail = `The log was cut (keepEventsDays) before ${new Date(done.cut).toISOString()}, and the books were made again from what it still held: some of this month is not counted.`
        throw problem(409, 'log_cut', detail)
      }
      reply.code(done.made ? 201 : 200)
      const fresh = freshness(true)
      return answerOf(await readMonthNow(store, project, month), fresh)
    }
  )
  typed.post(
    '/v1/billing/recompute',
    {
      schema: {
        summary: 'Makes all books again from the log, and compares; takes as long as the log is',
        response: { 200: RecomputeAnswer, ...problemResponses(409) }
      }
    },
    async () => {
      const { complete, live, replayed, cursor, entries } = await options.recompute()
      if (!complete) {
        throw problem(
          409,
          'log_cut',
          'The log does not hold what was billed: it was cut (keepEventsDays), or had been when the books were made again, or something waits behind a failure or was discarded.'
        )
      }
      return { equal: live === replayed, live, replayed, entries, position: positionText(cursor) }
    }
  )
}

const lineOf = ({ kind, event, sessions, unitPrice, currency, amount, at, ...place }: LedgerEntry): Line => ({
  kind,
  position: positionText(place),
  event,
  sessions,
  unitPrice,
  currency,
  amount,
  at: new Date(at).toISOString()
})
