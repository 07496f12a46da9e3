import { cp, mkdir, readdir, readFile, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('../../', import.meta.url))

/**
 * A copy of these sources in `folder` with another version number and a mistake in it: every third request that writes
 * fails. Resolves with its `plimsoll.js`.
 */
export async function otherVersion(folder: string, version: string): Promise<string> {
  const leftOut = /node_modules|[\\/]\.git/
  for (const part of ['apps', 'packages', 'services', 'bench', 'drills', 'package.json'])
    await cp(join(root, part), join(folder, part), {
      recursive: true,
      preserveTimestamps: true,
      filter: source => !leftOut.test(source.slice(root.length))
    })
  // Packages of others are those of this checkout; our own are the copies.
  const modules = join(folder, 'node_modules')
  await mkdir(join(modules, '@plimsoll'), { recursive: true })
  for (const name of await readdir(join(root, 'node_modules')))
    if (name !== '@plimsoll') await symlink(join(root, 'node_modules', name), join(modules, name))
  for (const kind of ['apps', 'packages', 'services', '.'])
    for (const name of await readdir(join(folder, kind))) {
      const manifest = await readFile(join(folder, kind, name, 'package.json'), 'utf8').catch(() => undefined)
      const own = manifest === undefined ? undefined : (JSON.parse(manifest) as { name: string }).name
      if (own?.startsWith('@plimsoll/')) await symlink(join(folder, kind, name), join(modules, own))
    }
  await change(join(folder, 'apps/platform/package.json'), '"version": "0.1.0"', `"version": "${version}"`)
  await change(
    join(folder, 'apps/platform/src/platform.ts'),
    'watching.http(app)',
    `watching.http(app)
    let written = 0
    app.addHook('preHandler', async request => {
      if (request.method === 'POST' && ++written % 3 === 0) throw new TypeError("Cannot read properties of undefined (reading 'plan')")
    })`
  )
  return join(folder, 'apps/cli/bin/plimsoll.js')
}

async function change(file: string, from: string, to: string): Promise<void> {
  const text = await readFile(file, 'utf8')
  if (!text.includes(from)) throw new Error(`${file} has no ${from} to be changed`)
  await writeFile(file, text.replace(from, to))
}
