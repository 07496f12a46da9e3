import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type Incident, reportMarkdown } from '@plimsoll/recorder'

/**
 * Writes what was said of each fault, as `plimsoll report` would, one file a drill. The text does not name the drill, so that
 * it can be given to a reader who has to find the lever by it alone.
 */
export async function writeReports(
  folder: string,
  told: readonly { name: string; incident: Incident }[]
): Promise<void> {
  await mkdir(folder, { recursive: true })
  for (const { name, incident } of told)
    await writeFile(join(folder, `${name.replaceAll(' + ', '-and-')}.md`), reportMarkdown(incident))
}
