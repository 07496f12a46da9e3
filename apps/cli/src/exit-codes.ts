/** What a command's exit status means. */
export const exitCodes = {
  done: 0,
  /** It ran, and the answer is no: an aim missed, a platform that is not well. */
  failed: 1,
  /** It could not run: bad usage, no platform, a setting that is wrong. */
  couldNotRun: 2,
  /** Done, but some of the input was refused. */
  partlyRefused: 3
} as const

/** Ends the command with a message for people and no stack. */
export class CommandError extends Error {
  override name = 'CommandError'
  readonly exitCode: number
  constructor(message: string, exitCode: number = exitCodes.couldNotRun) {
    super(message)
    this.exitCode = exitCode
  }
}
