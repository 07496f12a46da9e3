export * from './local.ts'
export { type Platform, type PlatformOptions, startPlatform } from './platform.ts'
export { type RunningService, type ServiceName, serviceNames, startService } from './serve.ts'
