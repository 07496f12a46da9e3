import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Diagnosis, Finding } from '@plimsoll/recorder'

/**
 * Writes what was said of each fault as Markdown, one file a drill. The text does not name the drill, so that it can be
 * given to a reader who has to find the lever by it alone.
 */
export async function writeReports(
  folder: string,
  told: readonly { name: string; diagnosis: Diagnosis }[]
): Promise<void> {
  await mkdir(folder, { recursive: true })
  for (const { name, diagnosis } of told)
    await writeFile(join(folder, `${name.replaceAll(' + ', '-and-')}.md`), reportOf(diagnosis))
}

/** Seconds before or after the moment that is judged: a date would say nothing to a reader. */
const before = (ms: number, at: number) => `${Math.max(0, Math.round((at - ms) / 1_000))} s before`

export function reportOf({ at, state, summary, causes, limits }: Diagnosis): string {
  const near = limits
    .slice(0, 3)
    .map(({ what, share }) => `- ${what}: ${Math.round(share * 100)} % used`)
    .join('\n')
  return [
    '# What the black box says',
    `State: **${state}**. ${summary}`,
    ...causes.map((cause, index) => sectionOf(cause, index + 1, at)),
    ...(near === '' ? [] : ['## Nearest to its limit', near])
  ]
    .join('\n\n')
    .concat('\n')
}

function sectionOf(cause: Finding, place: number, at: number): string {
  const { title, evidence, cost, lever, since, until, symptoms } = cause
  return [
    `## ${place}. ${title}`,
    `First seen ${before(since, at)} this was asked${until === undefined ? ', and it goes on' : `; over ${before(until, at)}`}.`,
    evidence.map(({ text }) => `- ${text}`).join('\n'),
    `**Cost:** ${cost}`,
    `**Lever: ${lever.name}.** ${lever.action} (${lever.page})`,
    ...(symptoms.length === 0 ? [] : [`Follows from it: ${symptoms.map(one => one.title).join('; ')}.`])
  ].join('\n\n')
}
