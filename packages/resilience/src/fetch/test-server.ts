import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { TestContext } from 'node:test'

type Handler = (request: IncomingMessage, response: ServerResponse) => void

/** A real server for one test, on a port of its own. */
export async function startServer(t: TestContext, handler: Handler) {
  const requests: IncomingMessage[] = []
  const heard: (() => void)[] = []
  let connections = 0
  const server = createServer((request, response) => {
    requests.push(request)
    handler(request, response)
    for (const hear of heard.splice(0)) hear()
  })
  server.on('connection', () => connections++)
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  t.after(() => {
    server.closeAllConnections()
    server.close()
  })
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    connections: () => connections,
    /** Resolves when so many requests have come in. */
    async asked(times: number): Promise<void> {
      while (requests.length < times) await new Promise<void>(resolve => heard.push(resolve))
    }
  }
}
