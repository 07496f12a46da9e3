import { parseArgs } from 'node:util'
import { optionsFrom, type RunOptions } from '@plimsoll/bench'

export interface ChaosOptions extends RunOptions {
  /** Which store the platform is given. Default `pglite`. */
  store?: 'pglite' | 'postgres'
  /** Which broker alone is played. Default: all, one after the other. */
  broker?: string
}

const own = { store: { type: 'string' }, broker: { type: 'string' } } as const

/** `[--json] [--quick] [--seed N] [--seconds N] [--store pglite|postgres] [--broker NAME]`. Throws a RangeError for what is none of these. */
export function chaosOptions(args: string[]): ChaosOptions {
  const { values, tokens } = parseArgs({ args, options: own, strict: false, tokens: true })
  const mine = new Set(tokens.filter(t => t.kind === 'option' && Object.hasOwn(own, t.name)).flatMap(spanOf))
  const options: ChaosOptions = optionsFrom(args.filter((_, index) => !mine.has(index)))
  if (!Number.isSafeInteger(options.seed)) throw new RangeError('--seed takes a whole number')
  if (options.seconds !== undefined && options.seconds < 5) throw new RangeError('--seconds takes 5 to 86400')
  if (values.store !== undefined) {
    if (values.store !== 'pglite' && values.store !== 'postgres')
      throw new RangeError('--store takes pglite or postgres')
    options.store = values.store
  }
  if (typeof values.broker === 'string') options.broker = values.broker
  return options
}

/** `--store=x` is one argument, `--store x` is two. */
function spanOf(token: { index: number; value?: string | undefined; inlineValue?: boolean | undefined }): number[] {
  return token.inlineValue === false && token.value !== undefined ? [token.index, token.index + 1] : [token.index]
}
