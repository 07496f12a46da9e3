import { type Aim, atLeast, atMost, type Result } from '@plimsoll/bench'
import { interruption } from '../ingest/interruption.ts'
import type { ChaosOptions } from '../options.ts'
import { type BrokerName, brokers, isBroker } from './brokers.ts'
import { groups } from './order.ts'
import { type BrokerRun, runOn } from './run.ts'

/**
 * Producers, consumers and the broker are killed at random, on one broker after the other. At the end each group must have
 * handled each message once, and each key in order.
 */
export async function pubsub({ quick, seed, note, seconds, broker }: ChaosOptions): Promise<Result> {
  if (broker !== undefined && !isBroker(broker)) {
    throw new RangeError(`--broker takes ${Object.keys(brokers).join(', ')}`)
  }
  const lengthMs = (seconds ?? (quick ? 7 : 60)) * 1_000
  const quickly: BrokerName[] = ['redis']
  const names = broker ? [broker] : quick ? quickly : (Object.keys(brokers) as BrokerName[])
  using interrupted = interruption()
  const runs: BrokerRun[] = []
  for (const name of names) {
    note(`${name}: ${lengthMs / 1_000} s, seed ${seed}`)
    runs.push(await runOn(name, { lengthMs, seed, note, signal: interrupted.signal }))
  }
  return {
    figures: Object.fromEntries(runs.map(({ name, ...figures }) => [name, figures])),
    aims: runs.flatMap(aimsOf),
    table: tableOf(runs)
  }
}

function aimsOf(run: BrokerRun): Aim[] {
  const none = (what: string, value: number) => atMost(`${run.name}: ${what}`, value, 0, '')
  const { missed } = run
  return [
    atLeast(
      `${run.name}: messages published a second, or the faults prove nothing`,
      run.published / run.seconds,
      5,
      ''
    ),
    none('rounds that were never confirmed', run.unfinished),
    ...groups.flatMap(group => {
      const { lost, doubled, unknown, outOfOrder } = run.groups[group]!
      return [
        none(`lost by group ${group}`, lost),
        none(`handled twice by group ${group}`, doubled),
        none(`handled by group ${group} and published by nobody`, unknown),
        none(`out of order in group ${group}`, outOfOrder)
      ]
    }),
    none('dead letters', run.dead),
    none('consumers that did not drain', run.notDrained),
    none('processes that ended by themselves', run.collapses.length),
    none('strikes that could not be played', run.failed.length),
    none(`kinds of fault not played${missed.length > 0 ? ` (${missed.join(', ')})` : ''}`, missed.length)
  ]
}

function tableOf(runs: readonly BrokerRun[]): string[] {
  const row = (cells: readonly (string | number)[]) =>
    `  ${cells.map((cell, i) => (i === 0 ? String(cell).padEnd(10) : String(cell).padStart(10))).join('')}`
  const lines = runs.map(run => {
    const sum = (of: 'lost' | 'doubled' | 'outOfOrder') =>
      groups.reduce((all, group) => all + run.groups[group]![of], 0)
    const strikes = Object.values(run.played).reduce((all, times) => all + times, 0)
    return row([run.name, run.published, strikes, sum('lost'), sum('doubled'), sum('outOfOrder'), run.caughtUpSeconds])
  })
  return [
    row(['', 'published', 'strikes', 'lost', 'doubled', 'disorder', 'after (s)']),
    ...lines,
    ...runs.map(({ name, played }) => `  ${name}: ${JSON.stringify(played)}`),
    ...runs.flatMap(({ name, notPlayable }) =>
      Object.entries(notPlayable).map(([kind, why]) => `  ${name}: no ${kind}: ${why}`)
    )
  ]
}
