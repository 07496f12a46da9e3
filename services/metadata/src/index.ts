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
