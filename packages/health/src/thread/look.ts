import type { Board } from '../board/board.ts'
import { monotonicMs } from '../clock.ts'
import type { Seen } from '../verdict/seen.ts'

/** All that can be known now, from memory: nobody is asked. */
export function look(board: Board, silentMs: (lastBeatMs: number, nowMs: number) => number): Seen {
  const nowMs = monotonicMs()
  return {
    nowMs,
    wallMs: Date.now(),
    silentMs: silentMs(board.lastBeatMs, nowMs),
    state: board.state,
    figures: board.figures,
    details: board.details,
    restarts: board.restarts,
    rssBytes: process.memoryUsage.rss(),
    uptimeMs: process.uptime() * 1000
  }
}
