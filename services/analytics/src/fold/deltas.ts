import { type DistinctCounter, distinct, histogram, type LatencyHistogram } from '@plimsoll/sketches'
import type { Width } from './buckets.ts'

/** What a batch of entries adds to the read models, row by row. */

/** How many users a row counts exactly, 8 bytes each: many where there is one row an hour, few where there is one a feature. */
const usersExactly = 2_048
const usersOfFeatureExactly = 512

export interface SessionRow {
  project: string
  width: Width
  bucket: number
  tier: string
  region: string
  sessions: number
  open: number
}

export interface UseCounts {
  uses: number
  client_errors: number
  server_errors: number
}

export interface Sketches {
  latency: LatencyHistogram
  users: DistinctCounter
}

export interface FeatureRow extends UseCounts, Sketches {
  project: string
  width: Width
  bucket: number
  region: string
  feature: string
}

export interface UseRow extends UseCounts, Sketches {
  project: string
  width: Width
  bucket: number
  region: string
  /** By hundreds of the HTTP status: index 0 is 1xx. */
  statuses: [number, number, number, number, number]
}

export interface ProjectRow {
  project: string
  counted: number
  sessions: number
  /** Time of the first and the last entry that somebody sent; infinite while there is none. */
  first: number
  last: number
}

export class Deltas {
  readonly started = new Map<string, SessionRow>()
  readonly active = new Map<string, SessionRow>()
  readonly features = new Map<string, FeatureRow>()
  readonly uses = new Map<string, UseRow>()
  readonly projects = new Map<string, ProjectRow>()

  session(
    rows: Map<string, SessionRow>,
    project: string,
    width: Width,
    bucket: number,
    tier: string,
    region: string,
    sessions: number,
    open: number
  ): void {
    const key = `${width}${bucket}/${tier}/${region}/${project}`
    const row = rows.get(key)
    if (row) {
      row.sessions += sessions
      row.open += open
    } else rows.set(key, { project, width, bucket, tier, region, sessions, open })
  }

  feature(project: string, width: Width, bucket: number, region: string, feature: string): FeatureRow {
    const key = `f${width}${bucket}/${region}/${project}/${feature}`
    let row = this.features.get(key)
    if (!row) {
      row = { project, width, bucket, region, feature, ...noUses(), ...noSketches(usersOfFeatureExactly) }
      this.features.set(key, row)
    }
    return row
  }

  use(project: string, width: Width, bucket: number, region: string): UseRow {
    const key = `u${width}${bucket}/${region}/${project}`
    let row = this.uses.get(key)
    if (!row) {
      row = { project, width, bucket, region, statuses: [0, 0, 0, 0, 0], ...noUses(), ...noSketches(usersExactly) }
      this.uses.set(key, row)
    }
    return row
  }

  project(project: string): ProjectRow {
    let row = this.projects.get(project)
    if (!row) {
      row = { project, counted: 0, sessions: 0, first: Infinity, last: -Infinity }
      this.projects.set(project, row)
    }
    return row
  }
}

const noUses = (): UseCounts => ({ uses: 0, client_errors: 0, server_errors: 0 })
const noSketches = (exactly: number): Sketches => ({ latency: histogram.empty(), users: distinct.empty(exactly) })
