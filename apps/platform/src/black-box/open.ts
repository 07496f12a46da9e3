import { readFileSync } from 'node:fs'
import { openRecorder, type Recorder } from '@plimsoll/recorder'
import type { Logger } from 'pino'
import type { DataDirectory } from '../data-directory.ts'
import type { Settings } from '../settings.ts'
import { BlackBox } from './black-box.ts'
import { tellStart } from './last-start.ts'

/** The platform's black box, with its start in it. It may fail to open: then the platform runs without, and says so. */
export function openBlackBox(data: DataDirectory, settings: Settings, logger: Logger): BlackBox {
  const onError = (error: unknown) => logger.error({ err: error }, 'the black box takes no records')
  let recorder: Recorder = nowhere
  try {
    recorder = openRecorder({ directory: data.file('recorder/platform'), source: 'platform', onError })
  } catch (error) {
    onError(error)
  }
  const blackBox = new BlackBox({ recorder, directory: data.path })
  blackBox.start()
  try {
    const start = { settings, version: version(), file: data.file('recorder/last-start.json'), key: data.secret }
    tellStart(start, blackBox.happened)
  } catch (error) {
    // A folder whose secret cannot be read: the platform will not start either, and says why better than this can.
    blackBox.failed('start', error)
  }
  return blackBox
}

const nowhere: Recorder = { sample() {}, occurrence() {}, written: 0, lost: 0, bytes: 0, close() {} }

function version(): string {
  const manifest = readFileSync(new URL('../../package.json', import.meta.url), 'utf8')
  return (JSON.parse(manifest) as { version: string }).version
}
