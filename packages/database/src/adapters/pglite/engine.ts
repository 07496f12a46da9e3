import { fdatasyncSync } from 'node:fs'
import { PGlite } from '@electric-sql/pglite'
import { parsedTypes, parserFor } from '../../values.ts'

/** Where the engine's own file system mounts the data directory. */
const mountedAt = '/pglite/data'
const writeAheadLog = `${mountedAt}/pg_wal/`

const settings = [
  'fsync=on',
  'wal_sync_method=fsync',
  'shared_buffers=32MB',
  'max_wal_size=256MB',
  'timezone=UTC',
  // There is no autovacuum here and so there are no statistics: left to guess, the planner reads whole tables to find a
  // hundred keys. With this it takes an index wherever one fits.
  'enable_seqscan=off'
]

interface StreamOperations {
  fsync?: (stream: { nfd: number; path: string }) => number
}
interface EngineInternals {
  Module: { FS: { lookupPath(path: string): { node: { stream_ops: StreamOperations } } } }
}

export interface SyncedEngine {
  engine: PGlite
  /** How often something was forced to disk. */
  syncs(): number
  /** Name of the segment of the write-ahead log that was forced to disk last; undefined while none was. */
  segment(): string | undefined
}

/**
 * Opens the engine with every commit and checkpoint forced to disk. As shipped it runs with `-F` (fsync off) and its
 * node file system has no fsync operation at all, so a power cut would lose acknowledged rows; see
 * docs/decisions/0002-synced-embedded-store.md.
 */
export async function openSynced(directory: string): Promise<SyncedEngine> {
  const identity = (value: string) => value
  const textual = [16, 17, 20, 21, 23, 26, 114, 700, 701, 1082, 1114, 1184, 1700, 3802]
  const engine = await PGlite.create({
    dataDir: directory,
    startParams: [
      ...PGlite.defaultStartParams.filter(parameter => parameter !== '-F'),
      ...settings.flatMap(setting => ['-c', setting])
    ],
    parsers: Object.fromEntries(parsedTypes.map(oid => [oid, parserFor(oid)])),
    serializers: Object.fromEntries(textual.map(oid => [oid, identity]))
  })
  let syncs = 0
  let segment: string | undefined
  const { Module } = engine as unknown as EngineInternals
  Module.FS.lookupPath(`${mountedAt}/PG_VERSION`).node.stream_ops.fsync = stream => {
    syncs++
    if (stream.path.startsWith(writeAheadLog)) segment = stream.path.slice(writeAheadLog.length)
    fdatasyncSync(stream.nfd)
    return 0
  }
  return { engine, syncs: () => syncs, segment: () => segment }
}
