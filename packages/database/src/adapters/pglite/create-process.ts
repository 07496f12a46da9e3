import { PGlite } from '@electric-sql/pglite'

/** The child process that makes one data directory and exits: `node create-process.ts DIRECTORY`. */
const directory = process.argv[2]
if (!directory) throw new Error('usage: create-process DIRECTORY')
const engine = await PGlite.create({ dataDir: directory })
await engine.query('checkpoint')
await engine.close()
process.exit(0)
