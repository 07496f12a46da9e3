import { parentPort, workerData } from 'node:worker_threads'
import type { Procedure, ProcedureContext } from '../../procedure.ts'
import { runTransaction } from '../../transaction.ts'
import { openSynced } from './engine.ts'
import { localConnection } from './local.ts'
import { yieldToOthers } from './priority.ts'
import type { Ask, Called, Tell, WireError } from './protocol.ts'

/** The thread that owns one embedded engine: a scan here cannot stop the process's event loop. */
const port = parentPort!
const tell = (message: Tell, transfer: ArrayBuffer[] = []) => port.postMessage(message, transfer)

/** The memory of byte arrays right inside the details: it changes hands and is not copied. */
function bytesIn(notifications: Called['notifications']): ArrayBuffer[] {
  return notifications.flatMap(([, details]) =>
    details.flatMap(detail =>
      Object.values(detail ?? {}).flatMap(value => (value instanceof Uint8Array ? [value.buffer as ArrayBuffer] : []))
    )
  )
}

function wire(error: unknown): WireError {
  const { message, code, detail, constraint } = error as Partial<WireError>
  return { message: message ?? String(error), code: code ?? 'XX000', detail, constraint }
}

try {
  const { directory, background } = workerData as { directory: string; background: boolean }
  if (background) yieldToOthers()
  const { engine, syncs, segment } = await openSynced(directory)

  const procedures = new Map<string, Procedure<unknown, unknown>>()
  const connection = localConnection(engine)
  let sum = { notifications: new Map<string, unknown[]>(), commits: 0, rollbacks: 0 }
  // One context for all calls, so that a procedure can keep what belongs to this engine under it.
  const context: ProcedureContext = {
    engine: 'pglite',
    async transaction(work, options) {
      try {
        const { result, notifications } = await runTransaction('pglite', connection, work, options)
        sum.commits++
        for (const [channel, details] of notifications) {
          sum.notifications.set(channel, [...(sum.notifications.get(channel) ?? []), ...details])
        }
        return result
      } catch (error) {
        sum.rollbacks++
        throw error
      }
    }
  }
  const call = async (module: string, argument: unknown): Promise<Called> => {
    sum = { notifications: new Map(), commits: 0, rollbacks: 0 }
    const procedure =
      procedures.get(module) ?? ((await import(module)) as { default: Procedure<unknown, unknown> }).default
    procedures.set(module, procedure)
    const result = await procedure(context, argument)
    return { ...sum, result, notifications: [...sum.notifications] }
  }

  // Statements may be sent without waiting for the one before; they run in the order in which they came.
  let turn: Promise<void> = Promise.resolve()
  const answer = async (ask: Ask): Promise<void> => {
    try {
      switch (ask.op) {
        case 'query': {
          const { rows, fields, affectedRows } = await engine.query<unknown[]>(ask.sql, ask.parameters, {
            rowMode: 'array'
          })
          tell({ id: ask.id, columns: fields.map(f => f.name), rows, affected: affectedRows || rows.length })
          return
        }
        case 'exec':
          await engine.exec(ask.sql)
          tell({ id: ask.id, value: 0 })
          return
        case 'copy': {
          const { affectedRows } = await engine.query(ask.sql, [], { blob: new Blob([ask.bytes]) })
          tell({ id: ask.id, value: affectedRows ?? 0 })
          return
        }
        case 'call': {
          const argument = typeof ask.argument === 'string' ? JSON.parse(ask.argument) : ask.argument
          const { result, ...rest } = await call(ask.module, argument)
          tell({ id: ask.id, result: JSON.stringify(result) ?? '', ...rest }, bytesIn(rest.notifications))
          return
        }
        case 'syncs':
          tell({ id: ask.id, value: syncs() })
          return
        case 'close':
          await engine.close()
          tell({ id: ask.id, value: 0 })
          port.close()
          return
      }
    } catch (error) {
      tell({ id: ask.id, error: wire(error) })
    }
  }
  let told: string | undefined
  const tellSegment = () => {
    const current = segment()
    if (current === undefined || current === told) return
    told = current
    tell({ segment: current })
  }
  port.on('message', (ask: Ask) => {
    turn = turn.then(() => answer(ask)).then(tellSegment)
  })
  tell({ ready: true })
} catch (error) {
  tell({ failed: wire(error) })
  port.close()
}
