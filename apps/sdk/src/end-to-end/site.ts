import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { bundleForBrowser } from './bundle.ts'

export interface Site {
  /** Of an origin that is not the telemetry's. */
  url: string
  close(): Promise<void>
}

/** A site whose page has the SDK, as it is bundled, as `window.sdk`. */
export async function openSite(): Promise<Site> {
  const code = await bundleForBrowser()
  const server = createServer((request, response) => {
    if (request.url === '/sdk.js') response.writeHead(200, { 'content-type': 'text/javascript' }).end(code)
    else if (request.url?.startsWith('/page')) {
      response.writeHead(200, { 'content-type': 'text/html' })
      response.end(
        '<!doctype html><title>Shop</title><script type="module">window.sdk = await import("/sdk.js")</script><h1>Shop</h1>'
      )
    } else response.writeHead(204).end()
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close() {
      server.closeAllConnections()
      return new Promise(resolve => server.close(() => resolve()))
    }
  }
}
