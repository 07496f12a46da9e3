import { type Aim, atLeast, type RunOptions } from '../../form.ts'
import { cockatielLibrary } from './cockatiel.ts'
import { opossum } from './opossum.ts'
import { plimsoll } from './plimsoll.ts'
import { judge, type Verdict } from './trial.ts'
import { notRun, trials } from './trials.ts'

const libraries = [plimsoll, cockatielLibrary, opossum]

/** The same trials of three libraries, each on a clock of its own that stands in for the real one. Aims are for ours only. */
export async function resilienceFaults({ note }: RunOptions): Promise<{
  figures: Record<string, unknown>
  aims: Aim[]
  table: string[]
}> {
  const figures: Record<string, unknown> = {
    versions: Object.fromEntries(libraries.map(({ name, version }) => [name, version]))
  }
  const aims: Aim[] = []
  const rows: string[][] = [['', ...libraries.map(({ name, version }) => `${name} ${version}`)]]
  const whys: string[] = []
  for (const [i, trial] of trials.entries()) {
    note(`${i + 1} ${trial.title}`)
    const verdicts: Record<string, Verdict> = {}
    for (const library of libraries) verdicts[library.name] = await judge(trial, library)
    figures[`${i + 1} ${trial.title}`] = verdicts
    rows.push([`${i + 1}`, ...libraries.map(({ name }) => verdicts[name]!.kind)])
    whys.push('', `${i + 1} ${trial.title}`)
    for (const [name, verdict] of Object.entries(verdicts)) {
      if (verdict.kind !== 'passed') whys.push(`   ${name} ${verdict.kind}: ${verdict.why.join('; ')}`)
    }
    aims.push(atLeast(trial.title, verdicts[plimsoll.name]!.kind === 'passed' ? 1 : 0, 1, 'passed'))
  }
  for (const [i, { title, because }] of notRun.entries()) {
    const number = `${trials.length + i + 1}`
    figures[`${number} ${title}`] = 'not run'
    rows.push([number, ...libraries.map(() => 'not run')])
    whys.push('', `${number} ${title}`, `   not run: ${because}`)
  }
  const table = rows.map(
    ([first, ...cells]) => `  ${first!.padStart(2)}  ${cells.map(cell => cell.padEnd(18)).join('')}`
  )
  return { figures, aims, table: [...table, ...whys.map(why => (why === '' ? why : `  ${why}`)), ''] }
}
