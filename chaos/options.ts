import { parseArgs } from 'node:util'
import { optionsFrom, type RunOptions } from '@plimsoll/bench'

export interface ChaosOptions extends RunOptions {
  /** How long it goes on, in seconds; absent = the run's own default. */
  seconds?: number
  /** Which store the platform is given. Default `pglite`. */
  store?: 'pglite' | 'postgres'
}

const own = { seconds: { type: 'string' }, store: { type: 'string' } } as const

/** `[--json] [--quick] [--seed N] [--seconds N] [--store pglite|postgres]`. Throws a RangeError for what is none of these. */
export function chaosOptions(args: string[]): ChaosOptions {
  const { values, tokens } = parseArgs({ args, options: own, strict: false, tokens: true })
  const mine = new Set(tokens.filter(t => t.kind === 'option' && Object.hasOwn(own, t.name)).flatMap(spanOf))
  const options: ChaosOptions = optionsFrom(args.filter((_, index) => !mine.has(index)))
  if (!Number.isSafeInteger(options.seed)) throw new RangeError('--seed takes a whole number')
  if (values.seconds !== undefined) {
    options.seconds = Number(values.seconds)
    if (!(options.seconds >= 5 && options.seconds <= 86_400)) throw new RangeError('--seconds takes 5 to 86400')
  }
  if (values.store !== undefined) {
    if (values.store !== 'pglite' && values.store !== 'postgres')
      throw new RangeError('--store takes pglite or postgres')
    options.store = values.store
  }
  return options
}

/** `--seconds=9` is one argument, `--seconds 9` is two. */
function spanOf(token: { index: number; value?: string | undefined; inlineValue?: boolean | undefined }): number[] {
  return token.inlineValue === false && token.value !== undefined ? [token.index, token.index + 1] : [token.index]
}
