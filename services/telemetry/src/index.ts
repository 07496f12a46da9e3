export { metadataBudgetMs } from './enrichment/policy.ts'
export { createTelemetry, type Telemetry, type TelemetryOptions } from './service.ts'
