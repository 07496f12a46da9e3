export type { Places } from './erase.ts'
export { createUsers, type Users, type UsersOptions } from './service.ts'
export { WrongMasterKeyError } from './store.ts'
