import { createHook } from 'node:async_hooks'
import { setImmediate as nextTurn, setTimeout as wait } from 'node:timers/promises'
import { getHeapStatistics } from 'node:v8'
import { orderOf, type Pattern } from './patterns.ts'
import { type StackName, stacks } from './stacks.ts'

/** What the process is asked for, one thing after another. */
export type Task =
  /** Nanoseconds a call, everything included that happens meanwhile: collections, timers, statistics. */
  | { measure: 'time'; ms: number; pattern: Pattern }
  /** Bytes a call that V8 put on its heap. What lies outside of it, under timers and signals, is not in it. */
  | { measure: 'bytes'; calls: number }
  /** Timers alive: when each stack has just been called, and a quiet moment later. */
  | { measure: 'timers' }

const [name, count, watched] = process.argv.slice(2) as [StackName, string, string?]

let timers = 0
if (watched !== undefined) {
  const live = new Set<number>()
  createHook({
    init(id, type) {
      if (type === 'Timeout') timers = live.add(id).size
    },
    destroy(id) {
      live.delete(id)
      timers = live.size
    }
  }).enable()
}

const callers = Array.from({ length: Number(count) }, stacks[name])

/** Between turns of the loop, so that timers get theirs. */
const CALLS_A_TURN = 1_000

async function run(order: Uint32Array, at: number): Promise<number> {
  for (let i = 0; i < CALLS_A_TURN; i++) {
    await callers[order[at]!]!()
    if (++at === order.length) at = 0
  }
  await nextTurn()
  return at
}

async function time(ms: number, pattern: Pattern): Promise<number> {
  const order = orderOf(pattern, callers.length)
  const startedAt = performance.now()
  let at = 0
  let calls = 0
  while (performance.now() - startedAt < ms) {
    at = await run(order, at)
    calls += CALLS_A_TURN
  }
  return ((performance.now() - startedAt) * 1e6) / calls
}

async function bytes(calls: number): Promise<number> {
  const order = orderOf('one', callers.length)
  const before = getHeapStatistics().total_allocated_bytes
  for (let done = 0; done < calls; done += CALLS_A_TURN) await run(order, 0)
  return (getHeapStatistics().total_allocated_bytes - before) / calls
}

async function aliveTimers(): Promise<{ called: number; idle: number }> {
  for (const call of callers) await call()
  await nextTurn()
  const called = timers
  await wait(500, undefined, { ref: true })
  await nextTurn()
  return { called, idle: timers }
}

async function answer(task: Task): Promise<unknown> {
  if (task.measure === 'time') return time(task.ms, task.pattern)
  return task.measure === 'bytes' ? bytes(task.calls) : aliveTimers()
}

process.on('message', async (task: Task) => process.send!(await answer(task)))
process.send!('ready')
