import { spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { existsSync } from 'node:fs'
import { cp, mkdir, open as openFile, readdir, rename, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { DatabaseError } from '../../errors.ts'

/**
 * Makes a data directory when there is none. Making one takes seconds and several hundred megabytes, so it is done in
 * a child process that gives them back; it is made under another name and moved into place when complete, so a kill in
 * the middle leaves no half of one. `template` is an existing, closed directory to copy in place of making it anew.
 */
export async function createDirectory(
  directory: string,
  options: { template?: string | undefined } = {}
): Promise<void> {
  if (existsSync(join(directory, 'PG_VERSION'))) return
  const template = options.template ?? process.env.PLIMSOLL_DATABASE_TEMPLATE
  await mkdir(dirname(directory), { recursive: true })
  if (!template) return makeInChild(directory)
  if (!existsSync(join(template, 'PG_VERSION'))) await makeInChild(template)
  const copy = `${directory}.${randomUUID()}.copy`
  await cp(template, copy, { recursive: true })
  // Copies from the environment's template are for tests, which do not outlive a power cut.
  if (options.template) await forceToDisk(copy)
  await rename(copy, directory)
}

async function makeInChild(directory: string): Promise<void> {
  const fresh = `${directory}.${randomUUID()}.new`
  try {
    await run(fileURLToPath(new URL('./create-process.ts', import.meta.url)), fresh)
    await forceToDisk(fresh)
    await rename(fresh, directory).catch(error => {
      // Somebody else was quicker: theirs is as good as ours.
      if (!existsSync(join(directory, 'PG_VERSION'))) throw error
    })
  } finally {
    await rm(fresh, { recursive: true, force: true })
  }
}

/** What was made without fsync is forced to disk once, whole, before it gets its name: nothing is acknowledged sooner. */
async function forceToDisk(directory: string): Promise<void> {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true })
  for (const path of [...entries.map(entry => join(entry.parentPath, entry.name)), directory]) {
    const file = await openFile(path, 'r')
    try {
      await file.sync()
    } finally {
      await file.close()
    }
  }
}

function run(script: string, directory: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [script, directory], { stdio: ['ignore', 'ignore', 'pipe'] })
    let complaint = ''
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      if (complaint.length < 4096) complaint += text
    })
    child.once('error', reject)
    child.once('close', code => {
      if (code === 0) resolve()
      else
        reject(
          new DatabaseError(
            `could not create ${directory}: ${complaint.trim() || `exit ${code}`}`,
            'PLIMSOLL_CREATE_FAILED'
          )
        )
    })
  })
}
