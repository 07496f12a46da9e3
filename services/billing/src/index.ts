export { type Billing, type BillingOptions, createBilling } from './service.ts'
