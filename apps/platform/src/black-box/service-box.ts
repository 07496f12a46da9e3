import { join } from 'node:path'
import { DirectoryLockedError, lockDirectory } from '@plimsoll/database/lock'
import type { Logger } from 'pino'
import type { DataDirectory } from '../data-directory.ts'
import type { Settings } from '../settings.ts'
import { BlackBox } from './black-box.ts'
import { nowhere, openIn } from './open.ts'

/** A day of a service's seconds, in bytes: it has fewer series than the platform. */
const maxBytes = 16_000_000
/** Processes of one service that share a data folder and have a black box each. */
const mostBoxes = 8

export interface ServiceBox {
  blackBox: BlackBox
  /** What `plimsoll why --data` is given; undefined without a black box. */
  folder: string | undefined
  close(): void
}

/**
 * The black box of a service by itself: `services/NAME` in the data folder, which several services and a platform may share. Two
 * processes in one ring would be told as one, so each has a folder of its own; a second process of one service has `NAME-2`.
 * It may fail to open: then the service runs without, and says so in the log.
 */
export function openServiceBox(name: string, data: DataDirectory, settings: Settings, logger: Logger): ServiceBox {
  try {
    for (let number = 1; number <= mostBoxes; number++) {
      const folder = data.file(join('services', number === 1 ? name : `${name}-${number}`))
      try {
        const lock = lockDirectory(folder)
        const blackBox = openIn(join(folder, 'recorder'), name, { data, settings, logger, maxBytes })
        return {
          blackBox,
          folder,
          close() {
            blackBox.close()
            lock.release()
          }
        }
      } catch (error) {
        if (!(error instanceof DirectoryLockedError)) throw error
      }
    }
    logger.error(`the black box takes no records: ${mostBoxes} processes of ${name} have theirs in ${data.path}`)
  } catch (error) {
    logger.error({ err: error }, 'the black box takes no records')
  }
  const blackBox = new BlackBox({ recorder: nowhere, directory: data.path })
  return { blackBox, folder: undefined, close: () => blackBox.close() }
}
