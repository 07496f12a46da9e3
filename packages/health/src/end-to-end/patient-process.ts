import { open } from 'node:fs'
import { createServer } from 'node:http'
import { getHeapStatistics } from 'node:v8'
import type { Worker } from 'node:worker_threads'
import { check } from '../checks/check.ts'
import { closeHttpServer } from '../drain/http-server.ts'
import { drainOnSignals } from '../drain/signals.ts'
import { startHealth } from '../health.ts'

/** A service that can be given every illness. It hears which from its parent. */
export type Illness =
  | { kind: 'busy loop'; forMs: number }
  | { kind: 'endless microtasks' }
  | { kind: 'pool exhausted'; pipe: string }
  | { kind: 'heap nearly full' }
  | { kind: 'health thread killed' }
  | { kind: 'database'; is: 'well' | 'gone' | 'hung' }

let answering: Worker | undefined
process.on('worker', worker => {
  answering = worker
})
const kept: number[][] = []
let database: 'well' | 'gone' | 'hung' = 'well'

const health = await startHealth({
  port: 0,
  stuckAfterMs: 400,
  heapWarnShare: 0.8,
  checks: [
    check({
      name: 'database:ping',
      kind: 'shared',
      everyMs: 20,
      timeoutMs: 50,
      failAfter: 1,
      passAfter: 1,
      staleAfterMs: 1_500,
      run: () => {
        if (database === 'hung') return new Promise(() => {})
        if (database === 'gone') throw new Error('connect ECONNREFUSED')
      }
    })
  ]
})

// What is in flight stays in flight unless it asks for an end.
const service = createServer((request, response) => {
  response.write('begun ')
  if (request.url === '/ends') process.once('SIGTERM', () => response.end('ended'))
})
await new Promise<void>(resolve => service.listen(0, '127.0.0.1', resolve))
drainOnSignals(health, {
  readyDelayMs: 50,
  timeoutMs: 2_000,
  close: { http: closeHttpServer(service) },
  onDrained: result => process.send!({ drained: result })
})

process.on('message', (illness: Illness) => {
  switch (illness.kind) {
    case 'busy loop':
      for (const end = Date.now() + illness.forMs; Date.now() < end; );
      break
    case 'endless microtasks': {
      const again = (): Promise<void> => Promise.resolve().then(again)
      void again()
      break
    }
    case 'pool exhausted':
      exhaustThreads(illness.pipe)
      break
    case 'heap nearly full':
      fillHeap()
      break
    case 'health thread killed':
      void answering!.terminate()
      break
    case 'database':
      database = illness.is
  }
  process.send!({ done: illness.kind })
})
health.started()
const { port } = service.address() as { port: number }
process.send!({ health: health.url, service: `http://127.0.0.1:${port}` })

/** Opens a pipe that nobody writes, on every thread of libuv's pool: they wait for ever and use no processor. */
function exhaustThreads(pipe: string): void {
  for (let n = 0; n < 64; n++) open(pipe, 'r', () => undefined)
}

/** Keeps most of what there may be. Nearer to the limit V8 itself gives up: there is nobody left to ask then. */
function fillHeap(): void {
  const used = () => getHeapStatistics().used_heap_size / getHeapStatistics().heap_size_limit
  while (used() < 0.85) kept.push(Array.from({ length: 10_000 }, Math.random))
}
