export { createTelemetry, type Telemetry, type TelemetryOptions } from './service.ts'
