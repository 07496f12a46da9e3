export {
  type Check,
  type CheckKind,
  type CheckOptions,
  type CheckReadiness,
  type CheckResult,
  check
} from './checks/check.ts'
export { type Clock, systemClock } from './clock.ts'
export type { DrainOptions, DrainResult, TimedStep } from './drain/drain.ts'
export { closeHttpServer } from './drain/http-server.ts'
export { drainOnSignals, type SignalOptions } from './drain/signals.ts'
export type { CutOff, DrainStep, StepResult } from './drain/step.ts'
export { CheckTimeoutError, DrainTimeoutError, HealthError, HealthListenError, HealthThreadError } from './errors.ts'
export { type Health, startHealth } from './health.ts'
export type { HealthOptions } from './settings.ts'
export type { HealthDocument, Measurement, Status } from './verdict/document.ts'
