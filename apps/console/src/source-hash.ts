import { createHash } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import { join, relative, sep } from 'node:path'

const ROOTS = ['index.html', 'package.json', 'vite.config.ts', 'public', 'src']

/**
 * A hash over the names and contents of everything the built page is made from (tests are not). Contents, not times: a
 * fresh clone or an unpacked archive has arbitrary times.
 */
export async function sourceHash(folder: string): Promise<string> {
  const hash = createHash('sha256')
  for (const file of await sources(folder)) {
    const content = await readFile(join(folder, file))
    hash.update(`${file}\0${content.length}\0`).update(content)
  }
  return hash.digest('hex')
}

async function sources(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true, recursive: true })
  return entries
    .filter(entry => entry.isFile())
    .map(entry => relative(folder, join(entry.parentPath, entry.name)).split(sep).join('/'))
    .filter(file => ROOTS.includes(file.split('/')[0] ?? '') && !/\.test\.tsx?$/.test(file))
    .sort()
}
