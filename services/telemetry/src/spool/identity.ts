import { randomUUID } from 'node:crypto'
import { open, readFile, rename } from 'node:fs/promises'
import { join } from 'node:path'

const uuid = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/
const fileOf = (directory: string) => join(directory, 'spool-id')

/** Which spool this directory is, or undefined when it was never one. Throws when the file holds something else. */
export async function readIdentity(directory: string): Promise<string | undefined> {
  let text: string
  try {
    text = (await readFile(fileOf(directory), 'utf8')).trim()
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
  if (uuid.test(text)) return text
  throw new Error(
    `${fileOf(directory)} does not hold a spool's id; remove the file: what waits is then written again, and its ids tell what is written already`
  )
}

/** Names the spool of this directory, durably: before the first record, since its numbers count under this name. */
export async function makeIdentity(directory: string): Promise<string> {
  const id = randomUUID()
  const beside = `${fileOf(directory)}.new`
  const file = await open(beside, 'w', 0o600)
  try {
    await file.writeFile(`${id}\n`)
    await file.sync()
  } finally {
    await file.close()
  }
  await rename(beside, fileOf(directory))
  const folder = await open(directory, 'r')
  try {
    await folder.sync()
  } finally {
    await folder.close()
  }
  return id
}
