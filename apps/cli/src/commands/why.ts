import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { why as judge, RecorderError } from '@plimsoll/recorder'
import { diagnosisLines } from '../diagnosis-lines.ts'
import { CommandError, exitCodes } from '../exit-codes.ts'
import { print } from '../output.ts'

/**
 * `plimsoll why`: the black box is read, and nothing else, so it answers with the platform dead, the database gone and
 * the disk full. Exit 0 when all is well, 1 when it is not, 2 when nothing is recorded that could be judged.
 */
export async function why(options: { data: string; at?: string; json: boolean }): Promise<void> {
  const directory = join(options.data, 'recorder')
  if (!existsSync(directory))
    throw new CommandError(
      `there is no black box in ${options.data}; one is there once a platform has run, or name its folder with --data`
    )
  const at = options.at === undefined ? undefined : momentOf(options.at, Date.now())
  const { diagnosis, skipped } = read(directory, at)
  for (const { file, why } of skipped) process.stderr.write(`plimsoll: ${file} was not read: ${why}\n`)
  print(options.json, diagnosis, () => diagnosisLines(diagnosis))
  process.exitCode = {
    healthy: exitCodes.done,
    degraded: exitCodes.failed,
    down: exitCodes.failed,
    unknown: exitCodes.couldNotRun
  }[diagnosis.state]
}

function read(directory: string, at: number | undefined) {
  try {
    return judge(directory, { at })
  } catch (error) {
    if (error instanceof RecorderError) throw new CommandError(error.message)
    throw error
  }
}

const units: Record<string, number> = { s: 1_000, m: 60_000, h: 3_600_000 }

function momentOf(text: string, now: number): number {
  const [, count, unit] = /^(\d+)([smh])$/.exec(text) ?? []
  if (count !== undefined && unit !== undefined) return now - Number(count) * units[unit]!
  const moment = /^\d{4}-\d{2}-\d{2}T/.test(text) ? Date.parse(text) : Number.NaN
  if (Number.isNaN(moment))
    throw new CommandError(
      `--at is a moment, as 2026-01-02T03:04:05Z, or how long ago, as 90s, 10m or 2h; not "${text}"`
    )
  return moment
}
