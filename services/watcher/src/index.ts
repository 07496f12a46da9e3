export type { KnownState, Report } from './contract.ts'
export { startWatcher, type Watcher, type WatcherOptions } from './watcher.ts'
