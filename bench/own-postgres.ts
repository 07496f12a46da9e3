import { type OwnEngine, startOwnEngine } from './own-engine.ts'

/** A PostgreSQL for one bench. @throws when it is not installed or does not start */
export const startOwnPostgres = (): Promise<OwnEngine> => startOwnEngine('postgresql')
