import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { openRecorder, type Recorder } from '@plimsoll/recorder'
import type { Logger } from 'pino'
import type { DataDirectory } from '../data-directory.ts'
import type { Settings } from '../settings.ts'
import { BlackBox } from './black-box.ts'
import { tellStart } from './last-start.ts'

/** The platform's black box, with its start in it. It may fail to open: then the platform runs without, and says so. */
export function openBlackBox(data: DataDirectory, settings: Settings, logger: Logger): BlackBox {
  return openIn(data.file('recorder'), 'platform', { data, settings, logger })
}

interface Opening {
  data: DataDirectory
  settings: Settings
  logger: Logger
  /** Of the files together. Default: the recorder's own. */
  maxBytes?: number
}

/** @param ring the name of the ring in `folder` */
export function openIn(folder: string, ring: string, { data, settings, logger, maxBytes }: Opening): BlackBox {
  const onError = (error: unknown) => logger.error({ err: error }, 'the black box takes no records')
  let recorder = nowhere
  try {
    const directory = join(folder, ring)
    recorder = openRecorder({ directory, source: 'platform', onError, ...(maxBytes !== undefined && { maxBytes }) })
  } catch (error) {
    onError(error)
  }
  const blackBox = new BlackBox({ recorder, directory: data.path })
  blackBox.start()
  try {
    const start = { settings, version: version(), file: join(folder, 'last-start.json'), key: data.secret }
    tellStart(start, blackBox.happened)
  } catch (error) {
    // A folder whose secret cannot be read: the process will not start either, and says why better than this can.
    blackBox.failed('start', error)
  }
  return blackBox
}

export const nowhere: Recorder = { sample() {}, occurrence() {}, written: 0, lost: 0, bytes: 0, close() {} }

function version(): string {
  const manifest = readFileSync(new URL('../../package.json', import.meta.url), 'utf8')
  return (JSON.parse(manifest) as { version: string }).version
}
