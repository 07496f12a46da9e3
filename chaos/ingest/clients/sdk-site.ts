import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { fileURLToPath } from 'node:url'
import { rolldown } from 'rolldown'

const page =
  '<!doctype html><title>Chaos</title><script type="module">window.sdk = await import("/sdk.js")</script><h1>Chaos</h1>'

/** A site of another origin than the platform's, whose page has the SDK, bundled as sites bundle it, as `window.sdk`. */
export async function openSite(): Promise<{ url: string } & AsyncDisposable> {
  const input = fileURLToPath(import.meta.resolve('@plimsoll/sdk/browser'))
  const bundle = await rolldown({ input, platform: 'browser' })
  const { output } = await bundle.generate({ format: 'esm', minify: true })
  await bundle.close()
  const server = createServer(({ url }, response) => {
    if (url === '/sdk.js') response.writeHead(200, { 'content-type': 'text/javascript' }).end(output[0].code)
    else if (url === '/') response.writeHead(200, { 'content-type': 'text/html' }).end(page)
    else response.writeHead(204).end()
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    }
  }
}
