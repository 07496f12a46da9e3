import type { IncomingMessage } from 'node:http'
import type { FastifyInstance } from 'fastify'

/**
 * A server that closes answers what it has received, and gives up what it has not: a client that sent half a body may never
 * send the rest, and everything behind the close would wait for it as long as for the slowest request there may be.
 * @param graceMs how long after the close began a body may still come, in milliseconds
 */
export function giveUpHalfReceived(app: FastifyInstance, graceMs: number): void {
  const underWay = new Set<IncomingMessage>()
  app.addHook('onRequest', (request, _reply, done) => {
    underWay.add(request.raw)
    done()
  })
  app.addHook('onResponse', (request, _reply, done) => {
    underWay.delete(request.raw)
    done()
  })
  app.addHook('onRequestAbort', (request, done) => {
    underWay.delete(request.raw)
    done()
  })
  app.addHook('preClose', done => {
    setTimeout(() => {
      for (const request of underWay) if (!request.complete) request.destroy()
    }, graceMs).unref()
    done()
  })
}
