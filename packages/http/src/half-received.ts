import type { IncomingMessage } from 'node:http'
import type { Socket } from 'node:net'
import type { FastifyInstance } from 'fastify'

/**
 * A server that closes answers what it has received, and gives up what it has not: a client that sent half a body may never
 * send the rest, and everything behind the close would wait for it as long as for the slowest request there may be.
 * @param graceMs how long after the close began a body may still come, in milliseconds
 */
export function giveUpHalfReceived(app: FastifyInstance, graceMs: number): void {
  // By socket and not by hook: each request costs one store into a map.
  const latest = new WeakMap<Socket, IncomingMessage>()
  const sockets = new Set<Socket>()
  app.server.on('connection', socket => {
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
  })
  app.server.on('request', request => latest.set(request.socket, request))
  app.addHook('preClose', done => {
    // A connection that is busy now would be kept open for another request once it is answered, and the close would wait.
    app.server.keepAliveTimeout = 1
    app.server.keepAliveTimeoutBuffer = 0
    setTimeout(() => {
      for (const socket of sockets) if (latest.get(socket)?.complete === false) socket.destroy()
    }, graceMs).unref()
    done()
  })
}
