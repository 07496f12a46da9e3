export { type Analytics, type AnalyticsOptions, createAnalytics } from './service.ts'
