import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { sourceHash } from './source-hash.ts'

const FOLDER = fileURLToPath(new URL('..', import.meta.url))
const DIST = join(FOLDER, 'dist')
const STAMP = '.source-hash'

export interface EnsureBuiltOptions {
  /** Told once, in a sentence, when there is something to build; it takes about two seconds. */
  log?: (line: string) => void
}

/**
 * The directory with the built console. Builds it when it is missing or was built from other sources, so that a fresh
 * clone needs no command of its own. The finished build is moved into place whole: a server that reads `dist` meanwhile
 * never sees half of it. Rejects when the build fails; what was there stays.
 */
export async function ensureBuilt({ log }: EnsureBuiltOptions = {}): Promise<string> {
  const wanted = await sourceHash(FOLDER)
  if ((await builtFrom()) === wanted) return DIST
  log?.('Building the console (once, about two seconds) …')
  // Beside `dist`, on the same disk, and in a folder that git and the hash ignore.
  const workshop = join(FOLDER, 'node_modules')
  await mkdir(workshop, { recursive: true })
  const bench = await mkdtemp(join(workshop, '.console-build-'))
  try {
    const fresh = join(bench, 'fresh')
    await runVite(fresh)
    await writeFile(join(fresh, STAMP), `${wanted}\n`)
    await rename(DIST, join(bench, 'old')).catch(ignoreMissing)
    await rename(fresh, DIST).catch(async error => {
      // Another process was quicker; its build is as good as ours when the sources are the same.
      if ((await builtFrom()) !== wanted) throw error
    })
  } finally {
    await rm(bench, { recursive: true, force: true })
  }
  return DIST
}

/** Vite sets NODE_ENV and holds on to its memory, so it gets a process of its own instead of the platform's. */
async function runVite(outDir: string): Promise<void> {
  const script = fileURLToPath(new URL('./vite-build.ts', import.meta.url))
  await promisify(execFile)(process.execPath, [script, outDir], {
    env: { ...process.env, NODE_ENV: 'production' },
    timeout: 120_000
  })
}

async function builtFrom(): Promise<string | undefined> {
  const stamp = await readFile(join(DIST, STAMP), 'utf8').catch(ignoreMissing)
  return stamp?.trim()
}

function ignoreMissing(error: NodeJS.ErrnoException): undefined {
  if (error.code !== 'ENOENT') throw error
}
