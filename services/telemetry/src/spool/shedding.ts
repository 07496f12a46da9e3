import { SpoolError } from '@plimsoll/spool'

/** How much of the spool there is for the project of a request. In bytes. */
export interface Room {
  /** What the spool may take. */
  max: number
  /** What it takes, of whatever project. */
  taken: number
  /** What waits of this project. */
  own: number
  /** Projects of which something waits, this one among them. */
  projects: number
}

/** The project has what it may have of the spool while others need it too. Nothing was written. */
export class SpoolShareError extends SpoolError {
  override readonly name = 'SpoolShareError'
  readonly code = 'SPOOL_SHARE_USED'

  constructor({ own, projects, max }: Room) {
    super(`${own} of the spool's ${max} bytes are of one project, and ${projects} have something there.`)
  }
}

/** With more than this share of the spool taken, no project may have more than an equal part of it. */
const sharedAbove = 0.5
/** So much of what is free, and of what it has, a project may have, also alone: the rest is for who comes later. */
const most = 0.9

/** What is given up first as a project's room fills: by the share of it that is taken. Starts and ends of sessions never are. */
const levels = [
  { above: 0.8, types: new Set(['session.heartbeat']) },
  { above: 0.95, types: new Set(['session.heartbeat', 'feature.used']) }
]

/** @throws SpoolShareError when the project may have no more. */
export function checkShare(room: Room): void {
  const { max, taken, own, projects } = room
  const isUnfair = taken > max * sharedAbove && own > max / projects
  if (isUnfair || (own > 0 && own > mostOf(room))) throw new SpoolShareError(room)
}

/** The types of events that are not taken any more from the project. One that has little is not shed for what others have. */
export function shedTypes(room: Room): ReadonlySet<string> | undefined {
  if (room.own === 0) return undefined
  const full = room.own / mostOf(room)
  return levels.findLast(({ above }) => full > above)?.types
}

function mostOf({ max, taken, own }: Room): number {
  return most * (own + Math.max(0, max - taken))
}
