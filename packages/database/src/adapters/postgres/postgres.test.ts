import assert from 'node:assert/strict'
import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { describe, it } from 'node:test'
import { isUnavailable } from '../../errors.ts'
import { open } from '../../open.ts'

const server = process.env.PLIMSOLL_DATABASE_URL

/** A way to the server that can be cut. */
async function cuttable(url: URL): Promise<{ url: string; cut(): void; close(): void }> {
  const sockets = new Set<Socket>()
  const proxy = createServer(inbound => {
    const outbound = connect(Number(url.port || 5432), url.hostname)
    for (const socket of [inbound, outbound]) {
      sockets.add(socket)
      socket.on('error', () => undefined)
    }
    inbound.pipe(outbound).pipe(inbound)
  }).listen(0, '127.0.0.1')
  await once(proxy, 'listening')
  const through = new URL(url)
  through.hostname = '127.0.0.1'
  through.port = String((proxy.address() as AddressInfo).port)
  const cut = () => {
    for (const socket of sockets) socket.destroy()
    sockets.clear()
  }
  return {
    url: through.href,
    cut,
    close() {
      cut()
      proxy.close()
    }
  }
}

if (server !== undefined) {
  describe('a server that cannot be reached any more', () => {
    it('is unavailable to each statement of a transaction, and back with the next', async t => {
      const way = await cuttable(new URL(server))
      t.after(() => way.close())
      const database = await open(way.url, { poolSize: 1 })
      await assert.rejects(
        database.transaction(async tx => {
          await tx.query('select 1')
          way.cut()
          await assert.rejects(tx.query('select 2'), isUnavailable)
          // The connection is known to be broken now: the client refuses by itself.
          await assert.rejects(tx.query('select 3'), isUnavailable)
          throw new Error('given up')
        }),
        /given up/
      )
      assert.equal((await database.query('select 4')).affected, 1)
      await database.close()
    })
  })
}
