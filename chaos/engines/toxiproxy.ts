import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as nap } from 'node:timers/promises'
import { startEngine } from '@plimsoll/bench'

/** Toxiproxy (Shopify) over its HTTP API: a TCP proxy whose connections can be made ill. */

export interface Toxic {
  type: 'latency' | 'bandwidth' | 'slow_close' | 'timeout' | 'reset_peer' | 'slicer' | 'limit_data'
  /** `upstream` is from the client to the server. */
  stream: 'upstream' | 'downstream'
  /** Share of the connections that have it, 0 to 1. */
  toxicity: number
  attributes: Record<string, number>
}

export interface Lane {
  name: string
  host: string
  port: number
  /** Whether connections are ill in this direction. */
  isIll(stream: Toxic['stream']): boolean
  /**
   * Makes all connections ill, those that are open too. Resolves with the way to end it. One at a time in a direction:
   * with two, toxiproxy 2.5 takes one for the other when a connection ends, and dies of it (`LimitDataToxicState`).
   * Rejects when there is one.
   */
  infect(toxic: Toxic): Promise<() => Promise<void>>
  /** Without it, it listens no more and open connections are closed. */
  enable(on: boolean): Promise<void>
}

export interface Toxiproxy {
  proxy(name: string, upstream: string): Promise<Lane>
  /** Ends every illness. */
  heal(): Promise<void>
  stop(): Promise<void>
}

/** @throws when toxiproxy is not installed, in the words of its script */
export async function startToxiproxy(): Promise<Toxiproxy> {
  const engine = await startEngine('toxiproxy')
  const once = async <T>(method: string, path: string, body?: unknown): Promise<T> => {
    const response = await fetch(engine.url + path, {
      method,
      signal: AbortSignal.timeout(10_000),
      ...(body === undefined ? {} : { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } })
    })
    const text = await response.text()
    if (!response.ok) throw new Error(`${response.status} ${text}`)
    return (text === '' ? undefined : JSON.parse(text)) as T
  }
  // It closes connections that were idle, sometimes as a request sets out on one. What is there or gone already is done.
  const ask = async <T>(method: string, path: string, body?: unknown): Promise<T> => {
    for (let tries = 0; ; tries++) {
      try {
        return await once<T>(method, path, body)
      } catch (error) {
        const { message, cause } = error as Error
        if (tries > 0 && /^(409|404) /.test(message)) return undefined as T
        if (tries === 3) throw new Error(`toxiproxy ${method} ${path}: ${message} ${cause ?? ''}\n${await lastWords()}`)
        await nap(200)
      }
    }
  }
  const lastWords = () =>
    readFile(join(engine.folder, 'server.log'), 'utf8').then(
      log => log.slice(-2_000),
      () => ''
    )
  let count = 0
  return {
    async proxy(name, upstream) {
      const { listen } = await ask<{ listen: string }>('POST', '/proxies', { name, listen: '127.0.0.1:0', upstream })
      const [host, port] = listen.split(':')
      const ill = new Set<Toxic['stream']>()
      return {
        name,
        host: host!,
        port: Number(port),
        isIll: stream => ill.has(stream),
        async infect(toxic) {
          if (ill.has(toxic.stream)) throw new Error(`${name} is ill already, ${toxic.stream}`)
          ill.add(toxic.stream)
          const toxicName = `${toxic.type}-${++count}`
          await ask('POST', `/proxies/${name}/toxics`, { name: toxicName, ...toxic })
          return async () => {
            await ask('DELETE', `/proxies/${name}/toxics/${toxicName}`)
            ill.delete(toxic.stream)
          }
        },
        enable: on => ask('POST', `/proxies/${name}`, { enabled: on })
      }
    },
    heal: () => ask('POST', '/reset'),
    stop: engine.stop
  }
}
