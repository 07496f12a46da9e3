import type { AddressInfo } from 'node:net'
import { parentPort, workerData } from 'node:worker_threads'
import { Board } from '../board/board.ts'
import { monotonicMs } from '../clock.ts'
import { look } from './look.ts'
import type { Start, Tell } from './protocol.ts'
import { createHealthServer } from './server.ts'
import { SilenceWatch } from './silence.ts'

/** The thread that answers. It has its own heap, event loop and socket, and reads the main thread's memory. */
const { memory, host, port, settings } = workerData as Start
const board = new Board(memory)
const gapMs = settings.stuckAfterMs / 2
const watch = new SilenceWatch(gapMs, monotonicMs())
setInterval(() => watch.awake(monotonicMs()), gapMs / 5).unref()

const tell = (message: Tell) => parentPort!.postMessage(message)
const server = createHealthServer(() => look(board, (lastBeat, now) => watch.silentMs(lastBeat, now)), settings)
// Before it listens, an error is the end of this thread. Afterwards it is one connection that could not be taken.
server.on('error', (error: NodeJS.ErrnoException) => {
  if (!server.listening) tell({ failed: error.message, code: error.code })
})
server.listen({ host, port }, () => tell({ listening: (server.address() as AddressInfo).port }))
