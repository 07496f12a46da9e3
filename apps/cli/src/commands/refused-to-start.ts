import { existsSync } from 'node:fs'
import { DataDirectory } from '@plimsoll/platform/local'
import { openRecorder } from '@plimsoll/recorder'

/**
 * Leaves in the black box of a folder that has one why a start was refused before there was a watcher to tell: a setting
 * that is wrong. Beside a watcher that runs nothing is written, for the platform is up.
 */
export function recordRefusal(data: string, why: string): void {
  const directory = `${data}/recorder/watcher`
  if (!existsSync(directory) || isAlive(new DataDirectory(data).readWatcher()?.pid)) return
  try {
    const recorder = openRecorder({ directory, source: 'watcher' })
    recorder.occurrence('refused-to-start', { detail: { why } })
    recorder.close()
  } catch {
    // The refusal itself is told on the terminal; that it could not be recorded must not hide it.
  }
}

function isAlive(pid: number | undefined): boolean {
  if (pid === undefined) return false
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}
