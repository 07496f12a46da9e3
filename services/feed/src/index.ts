export { createFeed, type Feed, type FeedOptions } from './service.ts'
