/** Something that fills up, and the series that say how full it is. */
export interface Limit {
  /** For people; `*` is where the subject goes. */
  what: string
  /** The series, with `*` for the subject of a family: `store.*.in-use`. */
  used: string
  /** The series of the limit, or the limit itself. */
  limit: string | number
  /** True when `used` is what is left of the limit. */
  isLeft?: boolean
  unit: string
  /** A limit less than this is no limit: an embedded store is one engine, which is always all in use. Default 0. */
  least?: number
  /**
   * `level`: it is as full as it is, so that a trend means something. `busy`: it comes and goes with the load, and what
   * counts is how much of it was taken most of the time.
   */
  kind: 'level' | 'busy'
}

/** What can run out, in the words of `docs/vocabulary.md`. */
export const limits: readonly Limit[] = [
  { what: 'memory of the platform', used: 'memory.rss', limit: 'memory.limit', unit: 'bytes', kind: 'level' },
  {
    what: 'memory of the machine',
    used: 'memory.available',
    limit: 'memory.limit',
    isLeft: true,
    unit: 'bytes',
    kind: 'level'
  },
  { what: 'heap of the platform', used: 'memory.heap', limit: 'memory.heap.limit', unit: 'bytes', kind: 'level' },
  {
    what: 'disk of the data folder',
    used: 'disk.free',
    limit: 'disk.total',
    isLeft: true,
    unit: 'bytes',
    kind: 'level'
  },
  { what: 'open files of the platform', used: 'files.open', limit: 'files.limit', unit: 'files', kind: 'level' },
  { what: 'spool on disk', used: 'spool.bytes', limit: 'spool.limit', unit: 'bytes', kind: 'level' },
  {
    what: 'last days of the certificate of *',
    used: 'expiry.*',
    limit: 'expiry.*.span',
    isLeft: true,
    unit: 'ms',
    kind: 'level'
  },
  { what: 'processors of the machine', used: 'cpu.machine', limit: 1, unit: 'share', kind: 'busy' },
  { what: 'main loop of the platform', used: 'loop.utilisation', limit: 1, unit: 'share', kind: 'busy' },
  {
    what: 'connections to the store *',
    used: 'store.*.in-use',
    limit: 'store.*.size',
    unit: 'connections',
    kind: 'busy',
    least: 2
  },
  {
    what: 'places for calls to *',
    used: 'dependency.*.bulkhead.in-use',
    limit: 'dependency.*.bulkhead.limit',
    unit: 'calls',
    kind: 'busy'
  },
  { what: 'time that * may take', used: 'dependency.*.p99', limit: 'dependency.*.budget', unit: 'ms', kind: 'busy' }
]
