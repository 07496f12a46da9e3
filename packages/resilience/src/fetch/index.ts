export { fromUndici } from './from-undici.ts'
export { type ResilientFetchOptions, type ResilientInit, resilientFetch } from './resilient-fetch.ts'
export { failsOnStatus, HttpStatusError, statusDecision } from './status.ts'
