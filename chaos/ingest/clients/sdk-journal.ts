import { appendFileSync, existsSync, readFileSync } from 'node:fs'
import type { SdkRecord } from './sdk-record.ts'

/**
 * What a process that may be killed says of its calls of the SDK: a line before each and a line after it. With the
 * operating system before the next step is taken, so a `kill -9` takes no line, and cuts none in two: one write is whole.
 */
export type SdkLine =
  | { do: 'begin'; at: number }
  /** The session that there is after a call; a start was recorded if it was not known. */
  | { do: 'session'; session: string; at: number }
  | { do: 'call'; tag: string; feature: string; spoilt?: boolean; at: number }
  | { do: 'called'; tag: string }
  | { do: 'end'; session: string; at: number }
  | { do: 'ended'; session: string }

export const writeLine = (file: string, line: SdkLine): void => appendFileSync(file, `${JSON.stringify(line)}\n`)

export function readLines(file: string): SdkLine[] {
  if (!existsSync(file)) return []
  return readFileSync(file, 'utf8')
    .split('\n')
    .slice(0, -1)
    .map(line => JSON.parse(line) as SdkLine)
}

/** Pure. Each `begin` without a `session` may have begun one, and nobody knows its id. */
export function recordOf(user: string, lines: readonly SdkLine[]): SdkRecord {
  const calls = new Map<string, SdkRecord['calls'][number]>()
  const starts = new Map<string, SdkRecord['starts'][number]>()
  const ends = new Map<string, SdkRecord['ends'][number]>()
  let nameless = 0
  let begun = false
  for (const line of lines) {
    if (line.do === 'begin') {
      if (begun) nameless++
      begun = true
    } else if (line.do === 'session') {
      begun = false
      const { session, at } = line
      if (!starts.has(session)) starts.set(session, { session, madeAt: at, sure: true })
    } else if (line.do === 'call') {
      const { tag, feature, spoilt, at } = line
      calls.set(tag, { tag, feature, madeAt: at, sure: false, ...(spoilt ? { spoilt } : {}) })
    } else if (line.do === 'called') calls.get(line.tag)!.sure = true
    else if (line.do === 'end') ends.set(line.session, { session: line.session, madeAt: line.at, sure: false })
    else ends.get(line.session)!.sure = true
  }
  if (begun) nameless++
  return { user, calls: [...calls.values()], starts: [...starts.values()], ends: [...ends.values()], nameless }
}
