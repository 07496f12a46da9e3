export * from './contract.ts'
export {
  type DemoOptions,
  DirectoryFull,
  demoDirectory,
  firstOf,
  memoryDirectory,
  type UserDirectory
} from './directory.ts'
export { createMetadataService, type MetadataServiceOptions } from './service.ts'
export { type HttpUserFeedOptions, httpUserFeed } from './users/http-feed.ts'
export {
  RegisteredUsers,
  type RegisteredUsersOptions,
  type UserFeed,
  type UserFeedPage,
  usersFirst
} from './users/registered-users.ts'
