/** Builds the page into the directory named as the argument. A process of its own: see `ensureBuilt`. */
import { build } from 'vite'
import config from '../vite.config.ts'

const outDir = process.argv[2]
if (outDir === undefined) throw new Error('Usage: node vite-build.ts DIRECTORY')
await build({ ...config, configFile: false, mode: 'production', logLevel: 'warn', build: { ...config.build, outDir } })
