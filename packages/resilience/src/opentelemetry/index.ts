export { type InstrumentedPolicy, type InstrumentOptions, instrument } from './instrument.ts'
