import { isPreset, type RangeChoice } from './range.ts'

/** What the page shows, as kept in its address: a link to a view is the view. */
export interface View {
  /** Absent: the console chooses (see `defaultProject`). */
  project: string | undefined
  /** Absent: the range the project suggests. */
  range: RangeChoice | undefined
  /** Regions to keep, sorted; empty = all. */
  regions: readonly string[]
}

const LONGEST_NAME = 64
const MOST_REGIONS = 32

/** Reads the query of the address. What cannot be understood is left out: an old or mistyped link still opens. */
export function parseView(search: string): View {
  const query = new URLSearchParams(search)
  return {
    project: name(query.get('project')),
    range: parseRange(query.get('range'), query.get('from'), query.get('to')),
    regions: normaliseRegions((query.get('region') ?? '').split(','))
  }
}

/** The query for a view, "" or starting with "?". Commas and colons stay readable; `parseView` is its inverse. */
export function formatView(view: View): string {
  const parts: string[] = []
  if (view.project !== undefined) parts.push(`project=${encode(view.project)}`)
  if (typeof view.range === 'string') parts.push(`range=${view.range}`)
  if (typeof view.range === 'object')
    parts.push(`from=${encode(minute(view.range.from))}`, `to=${encode(minute(view.range.to))}`)
  if (view.regions.length > 0) parts.push(`region=${view.regions.map(encode).join(',')}`)
  return parts.length > 0 ? `?${parts.join('&')}` : ''
}

/** Adds the region when it is not in the filter, removes it when it is. */
export function toggleRegion(regions: readonly string[], region: string): readonly string[] {
  return normaliseRegions(regions.includes(region) ? regions.filter(other => other !== region) : [...regions, region])
}

function normaliseRegions(regions: readonly string[]): readonly string[] {
  const known = regions.map(name).filter(region => region !== undefined)
  return [...new Set(known)].sort().slice(0, MOST_REGIONS)
}

function parseRange(preset: string | null, from: string | null, to: string | null): RangeChoice | undefined {
  if (preset !== null && isPreset(preset)) return preset
  if (from === null || to === null) return undefined
  const [start, end] = [Date.parse(from), Date.parse(to)]
  return start < end ? { from: start, to: end } : undefined
}

function name(text: string | null): string | undefined {
  const trimmed = text?.trim() ?? ''
  return trimmed === '' || trimmed.length > LONGEST_NAME ? undefined : trimmed
}

function minute(time: number): string {
  return `${new Date(time).toISOString().slice(0, 16)}Z`
}

function encode(text: string): string {
  return encodeURIComponent(text).replaceAll('%3A', ':')
}
