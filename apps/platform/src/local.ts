/** What a command needs to find a platform and to talk to it. No server and no store: those take a second to load. */
export { DirectoryLockedError } from '@plimsoll/database/lock'
export { type Addresses, DataDirectory } from './data-directory.ts'
export { type DemoRun, runDemo } from './demo/run.ts'
export { SendError, type SendOptions, type SentBatch, sendEvents } from './event-sender.ts'
export { holdsSession } from './session-cookie.ts'
export {
  describeSettings,
  environmentName,
  type Resolved,
  resolveSettings,
  SettingError,
  type SettingName,
  type Settings,
  settingNames
} from './settings.ts'
/** The module that the watcher runs as the platform process. */
export const platformModule: string = new URL('./process.ts', import.meta.url).pathname
