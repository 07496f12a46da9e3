import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { why as judge, RecorderError } from '@plimsoll/recorder'
import { diagnosisLines } from '../diagnosis-lines.ts'
import { CommandError, exitCodes } from '../exit-codes.ts'
import { momentOf } from '../moment.ts'
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
  const at = options.at === undefined ? undefined : momentOf('--at', options.at)
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
