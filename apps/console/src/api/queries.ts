import type { Span } from '../range.ts'

export const PROJECTS_URL = '/v1/projects'
export const SUBSCRIBERS_URL = '/v1/subscribers'
export const ME_URL = '/v1/me'

/** Without a span the platform answers for the range it suggests. */
export function dashboardUrl(project: string, span: Span | undefined, regions: readonly string[]): string {
  const query = new URLSearchParams({ project })
  if (span) {
    query.set('from', new Date(span.from).toISOString())
    query.set('to', new Date(span.to).toISOString())
  }
  if (regions.length > 0) query.set('region', regions.join(','))
  query.set('top', '10')
  return `/v1/dashboard?${query}`
}

export function ledgerUrl(project: string): string {
  return `/v1/ledger?${new URLSearchParams({ project })}`
}

export function spoolUrl(project: string): string {
  return `/v1/spool?${new URLSearchParams({ project })}`
}

export function retentionUrl(project: string): string {
  return `/v1/retention?${new URLSearchParams({ project })}`
}
