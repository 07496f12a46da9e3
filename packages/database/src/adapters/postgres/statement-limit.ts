import type { Socket } from 'node:net'
import type pg from 'pg'
import { DatabaseError } from '../../errors.ts'

/** The longest time that a timer of Node takes, in milliseconds. */
const longestMs = 2 ** 31 - 1

/** @throws RangeError for what is no limit. */
export function checkedLimit(name: string, ms: number): number {
  if (ms === Number.POSITIVE_INFINITY || (ms > 0 && ms <= longestMs)) return ms
  throw new RangeError(`${name} must be Infinity or milliseconds from 1 to ${longestMs}, not ${ms}`)
}

/**
 * Runs a statement, and gives its connection up when it is not answered in time: with a server that has gone silent
 * nothing else would ever end it. Its time begins when the one before it on this connection is answered (`after`, which never
 * rejects): until then the server is not at work on it. All that waits on the connection rejects with SQLSTATE 08006, "connection failure".
 * The server's own `statement_timeout` would not do, for it is the server that says it.
 */
export async function answeredWithin<T>(
  client: pg.PoolClient,
  { limitMs, after }: { limitMs: number; after: Promise<unknown> },
  statement: () => Promise<T>
): Promise<T> {
  if (limitMs === Number.POSITIVE_INFINITY) return statement()
  let isAnswered = false
  let timer: NodeJS.Timeout | undefined
  let last: NodeJS.Immediate | undefined
  const begin = () => {
    if (isAnswered) return
    timer = setTimeout(() => {
      // An event loop that was held up finds the timer before the answer that has come meanwhile: that is read first.
      last = setImmediate(() => socketOf(client).destroy(silence(limitMs)))
    }, limitMs)
  }
  try {
    const answer = statement()
    void after.then(begin)
    return await answer
  } finally {
    isAnswered = true
    clearTimeout(timer)
    clearImmediate(last)
  }
}

/** A goodbye that nobody answers is not waited for longer than this, in milliseconds. */
const goodbyeMs = 5_000

/** Sees to it that the socket of a connection ends soon after our side has ended, whatever the server does. */
export function endAfterGoodbye(client: pg.PoolClient): void {
  const socket = socketOf(client)
  socket.once('finish', () => socket.setTimeout(goodbyeMs, () => socket.destroy()))
}

function socketOf(client: pg.PoolClient): Socket {
  return (client as unknown as pg.Client).connection.stream as Socket
}

function silence(ms: number): DatabaseError {
  return new DatabaseError(
    `the server did not answer within ${ms} ms, so the connection was given up; what was asked may be done or not`,
    '08006'
  )
}
