import { type Aim, atLeast, atMost } from '@plimsoll/bench'
import type { Fault, StageName } from './fault.ts'
import { type Played, pause, play, playPair, untilQuiet } from './play.ts'
import { type Stage, startStage } from './stage.ts'

/** What is played: a fault by the name of its drill, or two of them at once. */
export interface Turn {
  name: string
  stage: StageName
  faults: readonly [Fault] | readonly [Fault, Fault]
  isLast: boolean
  /** Of two, the second is broken some seconds before the first. */
  otherFirst?: boolean
}

export interface Told {
  name: string
  played: Played & { otherPlace?: number }
}

export interface Verdict {
  figures: Record<string, unknown>
  aims: Aim[]
  told: Told[]
}

/** Until the rules know what is usual, in milliseconds. */
const usualMs = 12_000
/** The same of memory, which fills in the first minute after a start: what grows then is no leak. */
const usualMemoryMs = 62_000
/** Between two faults on one stage: until nothing is said to go on, or so long, and a rest. */
const pauses = { quick: { quietMs: 5_000, restMs: 1_000 }, full: { quietMs: 15_000, restMs: 2_500 } }

export interface How {
  quick: boolean
  note(line: string): void
}

/** Plays the turns, those of one stage one after another on one platform. One that could not be played is an aim missed. */
export async function playTurns(turns: readonly Turn[], how: How): Promise<Verdict> {
  const verdict: Verdict = { figures: {}, aims: [], told: [] }
  for (const group of groupsOf(turns)) await playGroup(group, verdict, how)
  return verdict
}

/**
 * What is last on its stage ends a group; the next of that stage begins another. Pairs have stages of their own: where most of
 * the past is faults, nothing is usual any more.
 */
function groupsOf(turns: readonly Turn[]): Turn[][] {
  const groups: Turn[][] = []
  for (const turn of turns) {
    const open = groups.find(
      ([first, ...rest]) =>
        first!.stage === turn.stage &&
        first!.faults.length === turn.faults.length &&
        ![first!, ...rest].some(({ isLast }) => isLast)
    )
    if (open) open.push(turn)
    else groups.push([turn])
  }
  return groups
}

async function playGroup(group: readonly Turn[], verdict: Verdict, how: How): Promise<void> {
  const { note } = how
  let stage: Stage | undefined
  const failed = (name: string, error: unknown) => {
    const why = error instanceof Error ? error.message : String(error)
    note(`  ${name} could not run: ${why}`)
    verdict.figures[name] = { 'could not run': why }
    verdict.aims.push({ ...atLeast(`${name}: could not run: ${why.slice(0, 160)}`, 0, 1, ''), ok: false })
  }
  try {
    for (const turn of group) {
      try {
        if (!stage) {
          note(`stage ${turn.stage}`)
          stage = await startStage(turn.stage, note)
          await pause(turn.stage === 'small-memory' ? usualMemoryMs : usualMs)
        }
        await playTurn(turn, stage, verdict, how)
      } catch (error) {
        failed(turn.name, error)
        // It may be in any state now.
        await stage?.stop()
        stage = undefined
      }
    }
  } finally {
    await stage?.stop()
  }
}

async function playTurn(
  { name, faults, otherFirst }: Turn,
  stage: Stage,
  verdict: Verdict,
  { quick, note }: How
): Promise<void> {
  const { quietMs, restMs } = pauses[quick ? 'quick' : 'full']
  const [fault, other] = faults
  const played = other ? await playPair(fault, other, stage, otherFirst) : await play(fault, stage)
  const { place, secondsUntilNamed, before, said, first } = played
  note(
    `  ${name}: ${place === 1 || other ? '' : 'NOT FIRST: '}${said.join('; ')} (${secondsUntilNamed ?? 'not in time'} s)`
  )
  const quietAfter = await untilQuiet(stage, quietMs)
  await pause(restMs)
  const afterwards = await Promise.all(faults.map(one => one.afterwards?.(stage) ?? []))
  verdict.told.push({ name, played })
  verdict.figures[name] = {
    place,
    ...('otherPlace' in played ? { 'place of the other': played.otherPlace } : {}),
    'seconds until named': secondsUntilNamed ?? null,
    said,
    'named first, in turn': first,
    'named before it': before,
    'seconds until quiet afterwards': Math.round(quietAfter * 10) / 10
  }
  const within = Math.max(...faults.map(({ withinSeconds = 20 }) => withinSeconds))
  verdict.aims.push(
    other
      ? atLeast(`${name}: both named, the root first`, isInOrder(played) ? 1 : 0, 1, '')
      : atMost(`${name}: place of ${fault.cause.rule}`, place === 0 ? 99 : place, 1, ''),
    atMost(`${name}: seconds until named`, secondsUntilNamed ?? 999, within, 's'),
    ...afterwards.flat().map(aim => ({ ...aim, name: `${name}: ${aim.name}` }))
  )
}

const isInOrder = ({ place, otherPlace = 0 }: Told['played']) => place > 0 && otherPlace > place
