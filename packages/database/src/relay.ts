import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'

/** A way to a server that can fail as networks do. */
export interface Relay {
  /** The address to use in place of the server's. */
  readonly url: string
  /** Breaks what is under way and refuses what comes, until `mend`. */
  cut(): void
  mend(): Promise<void>
  /** Accepts what comes and keeps what is said, both ways, until `speak`: a network cut without a reset. */
  fallSilent(): void
  /** Passes on what was kept, and all that comes. */
  speak(): void
  close(): void
}

/** Opens a way to the server at `url` on a free port of the loopback. */
export async function relayTo(url: string): Promise<Relay> {
  const target = new URL(url)
  const pairs = new Set<readonly [Socket, Socket]>()
  let silent = false
  const join = ([near, far]: readonly [Socket, Socket]) => near.pipe(far).pipe(near)
  const listener = createServer(near => {
    const pair = [near, connect(Number(target.port || 5432), target.hostname)] as const
    pairs.add(pair)
    for (const socket of pair) {
      socket.on('error', () => undefined)
      socket.on('close', () => {
        pairs.delete(pair)
        for (const other of pair) other.destroy()
      })
    }
    if (!silent) join(pair)
  })
  const listen = async (port: number) => {
    listener.listen(port, '127.0.0.1')
    await once(listener, 'listening')
    return (listener.address() as AddressInfo).port
  }
  const port = await listen(0)
  const through = new URL(url)
  through.hostname = '127.0.0.1'
  through.port = String(port)
  const cut = () => {
    listener.close()
    for (const pair of pairs) for (const socket of pair) socket.destroy()
  }
  return {
    url: through.href,
    cut,
    mend: async () => {
      await listen(port)
    },
    fallSilent() {
      silent = true
      for (const [near, far] of pairs) {
        near.unpipe(far).pause()
        far.unpipe(near).pause()
      }
    },
    speak() {
      silent = false
      for (const pair of pairs) join(pair)
    },
    close: cut
  }
}
