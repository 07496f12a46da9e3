/** The contracts this page reads; the services own them. Types only: none of their code reaches the browser. */
export type { SubscriberRow, SubscribersAnswer } from '@plimsoll/platform/subscribers-contract'
export type {
  Dashboard,
  FeatureRow,
  Freshness,
  ProjectSummary,
  Projects,
  Retention
} from '@plimsoll/service-analytics/contract'
export type { LedgerAnswer, SpoolAnswer } from '@plimsoll/service-telemetry/ledger-contract'
