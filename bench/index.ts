export {
  type Aim,
  atLeast,
  atMost,
  type Outcome,
  optionsFrom,
  type Result,
  type RunOptions,
  report
} from './form.ts'
export {
  type During,
  during,
  type LoadOrder,
  type LoadReport,
  type RunningLoad,
  runLoad,
  startLoad
} from './load/run.ts'
export { absence, type Engine, type EngineName, freePort, startEngine } from './started-engine.ts'
export { type StartedPlatform, type StartOptions, startPlatformProcess } from './started-platform.ts'
export { type Watched, type WatchOptions, watchEndpoint } from './watched-endpoint.ts'
