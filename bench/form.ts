import { cpus, totalmem } from 'node:os'
import { parseArgs } from 'node:util'

/** One form for benchmarks, drills and chaos: a table for people, and one JSON object for programs. */

export interface Aim {
  name: string
  value: number
  unit: string
  /** The bound that `value` is held to. */
  aim: number
  /** Whether a good value is at least or at most the bound. */
  better: 'at least' | 'at most'
  ok: boolean
}

export interface Outcome {
  name: string
  machine: { cpu: string; cores: number; memoryGb: number; node: string }
  seed: number
  figures: Record<string, unknown>
  aims: Aim[]
}

export interface RunOptions {
  quick: boolean
  json: boolean
  seed: number
  /** How long to go on, for a run that takes a time; its own default when it is not said. */
  seconds?: number
  /** Progress, on stderr. */
  note(line: string): void
}

export function atLeast(name: string, value: number, aim: number, unit: string): Aim {
  return { name, value: round(value), unit, aim, better: 'at least', ok: value >= aim }
}

export function atMost(name: string, value: number, aim: number, unit: string): Aim {
  return { name, value: round(value), unit, aim, better: 'at most', ok: value <= aim }
}

export const round = (n: number) => (Math.abs(n) >= 100 ? Math.round(n) : Math.round(n * 1000) / 1000)

export function optionsFrom(args: string[]): RunOptions {
  const { values } = parseArgs({
    args,
    options: {
      quick: { type: 'boolean', default: false },
      json: { type: 'boolean', default: false },
      seed: { type: 'string', default: '1' },
      seconds: { type: 'string' }
    }
  })
  return {
    quick: values.quick,
    json: values.json,
    seed: Number(values.seed),
    ...(values.seconds === undefined ? {} : { seconds: positive(values.seconds) }),
    note: line => process.stderr.write(`${line}\n`)
  }
}

function positive(text: string): number {
  const seconds = Number(text)
  if (!(seconds > 0 && seconds <= 86_400)) throw new RangeError('--seconds is a number above 0, of a day at most')
  return seconds
}

export interface Result {
  figures: Record<string, unknown>
  aims: Aim[]
  /** Printed for people in place of the figures. */
  table?: string[]
}

/** Runs, prints, and says how to exit: 0 when every aim is met, 1 when one is missed, 2 when it could not run. */
export async function report(
  name: string,
  options: RunOptions,
  run: (options: RunOptions) => Promise<Result>
): Promise<number> {
  let result: Result
  try {
    result = await run(options)
  } catch (error) {
    process.stderr.write(`${name} could not run: ${error instanceof Error ? error.message : String(error)}\n`)
    return 2
  }
  const { figures, aims, table } = result
  const outcome: Outcome = { name, machine: machine(), seed: options.seed, figures, aims }
  const print = (line: string) => (options.json ? process.stderr : process.stdout).write(`${line}\n`)
  print(`\n${name} on ${outcome.machine.cores} × ${outcome.machine.cpu}, Node ${outcome.machine.node}`)
  for (const line of table ?? []) print(line)
  for (const [key, value] of table === undefined ? Object.entries(figures) : [])
    print(
      `  ${key.padEnd(44)} ${typeof value === 'number' ? round(value).toLocaleString('en-GB') : JSON.stringify(value)}`
    )
  for (const aim of outcome.aims) {
    print(
      `  ${aim.ok ? 'met   ' : 'MISSED'} ${aim.name}: ${aim.value.toLocaleString('en-GB')} ${aim.unit} (${aim.better} ${aim.aim.toLocaleString('en-GB')})`
    )
  }
  if (options.json) process.stdout.write(`${JSON.stringify(outcome)}\n`)
  return outcome.aims.every(aim => aim.ok) ? 0 : 1
}

function machine(): Outcome['machine'] {
  const all = cpus()
  return {
    cpu: all[0]?.model.trim() ?? 'unknown',
    cores: all.length,
    memoryGb: Math.round(totalmem() / 1e9),
    node: process.versions.node
  }
}
