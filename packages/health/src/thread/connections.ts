import type { Server, Socket } from 'node:net'

/**
 * Keeps at most `most` connections. The one that has been quiet for longest makes room for a newcomer, so that however
 * many connect and say nothing, whoever asks is heard. (`maxConnections` would turn the newcomer away.)
 */
export function boundConnections(server: Server, most: number): void {
  /** In the order in which they were last heard of. */
  const sockets = new Set<Socket>()
  server.on('connection', socket => {
    if (sockets.size >= most) {
      const [quietest] = sockets
      sockets.delete(quietest!)
      quietest!.destroy()
    }
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
  })
  server.on('request', ({ socket }: { socket: Socket }) => {
    if (sockets.delete(socket)) sockets.add(socket)
  })
}
