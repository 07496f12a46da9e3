import { type Aim, atMost, type RunOptions } from '../form.ts'
import type { Pattern } from './patterns.ts'
import { StackProcess } from './stack-process.ts'
import type { StackName } from './stacks.ts'
import { installedVersion } from './versions.ts'

/** Some of the seconds after each of which opossum works out its statistics: they are part of what a call costs. */
const ROUND_MS = 2_500
const SHORT_ROUND_MS = 600
const BYTES_CALLS = 200_000
const MANY = 10_000

/**
 * What a stack of timeout, retry, breaker and bulkhead adds to a trivial async function, here and in two peers: time and
 * bytes a call, with one of them and with ten thousand alive. Each measurement in a fresh process, in turns; the best counts.
 */
export async function resilience({ quick, note }: RunOptions): Promise<{
  figures: Record<string, unknown>
  aims: Aim[]
}> {
  const rounds = quick ? 2 : 4
  const ns = new Map<string, number>()
  const bytes = new Map<string, number>()
  const keepBest = (best: Map<string, number>, key: string, value: number) =>
    best.set(key, Math.min(value, best.get(key) ?? Infinity))

  async function one(name: StackName, ms: number): Promise<void> {
    const stack = await StackProcess.start(name)
    try {
      keepBest(ns, name, await stack.time(ms))
      keepBest(bytes, name, await stack.bytes(BYTES_CALLS))
    } finally {
      await stack.stop()
    }
  }

  async function many(name: StackName, pattern: Pattern, count: number, ms: number): Promise<void> {
    const stack = await StackProcess.start(name, { count })
    try {
      keepBest(ns, `${name} ${pattern} of ${count}`, await stack.time(ms, pattern))
    } finally {
      await stack.stop()
    }
  }

  for (let round = 1; round <= rounds; round++) {
    note(`round ${round} of ${rounds}`)
    await one('bare', SHORT_ROUND_MS)
    await one('plimsoll', SHORT_ROUND_MS)
    await one('cockatiel', SHORT_ROUND_MS)
    await one('opossum', ROUND_MS)
    await one('cockatiel-cooperative', SHORT_ROUND_MS)
    await one('opossum-lean', SHORT_ROUND_MS)
    for (const pattern of ['one', 'hot', 'all'] as const) await many('plimsoll', pattern, MANY, SHORT_ROUND_MS)
    await one('plimsoll', SHORT_ROUND_MS)
    const line = [...ns].map(([name, value]) => `${name} ${Math.round(value)}`)
    note(`  best so far, ns a call: ${line.join(', ')}`)
  }
  note(`${MANY} of each library, called in turn`)
  await many('cockatiel', 'all', MANY, SHORT_ROUND_MS)
  await many('opossum', 'all', MANY, SHORT_ROUND_MS)
  note('timers')
  const timers = {
    plimsoll: await timersOf('plimsoll'),
    cockatiel: await timersOf('cockatiel'),
    opossum: await timersOf('opossum')
  }

  const time = (key: string) => ns.get(key)!
  const size = (key: string) => bytes.get(key)!
  const alone = time('plimsoll')
  return {
    figures: {
      versions: { cockatiel: installedVersion('cockatiel'), opossum: installedVersion('opossum') },
      'bare async call, ns': time('bare'),
      'plimsoll, ns a call': time('plimsoll'),
      'cockatiel, ns a call': time('cockatiel'),
      'cockatiel, cooperative timeout': time('cockatiel-cooperative'),
      'opossum (no retry), ns a call': time('opossum'),
      'opossum, no statistics': time('opossum-lean'),
      'bare async call, bytes': size('bare'),
      'plimsoll, bytes a call': size('plimsoll'),
      'cockatiel, bytes a call': size('cockatiel'),
      'cockatiel, cooperative timeout, bytes': size('cockatiel-cooperative'),
      'opossum (no retry), bytes a call': size('opossum'),
      'opossum, no statistics, bytes': size('opossum-lean'),
      [`plimsoll, one of ${MANY}, ns a call`]: time(`plimsoll one of ${MANY}`),
      [`plimsoll, 100 of ${MANY} in use`]: time(`plimsoll hot of ${MANY}`),
      [`plimsoll, all of ${MANY} in turn`]: time(`plimsoll all of ${MANY}`),
      [`cockatiel, all of ${MANY} in turn`]: time(`cockatiel all of ${MANY}`),
      [`opossum, all of ${MANY} in turn`]: time(`opossum all of ${MANY}`),
      [`timers with ${MANY}: called, idle`]: timers
    },
    aims: [
      atMost("of cockatiel's time a call", time('plimsoll') / time('cockatiel'), 0.06, ''),
      atMost("of opossum's time a call", time('plimsoll') / time('opossum'), 0.5, ''),
      atMost("of cockatiel's bytes a call", size('plimsoll') / size('cockatiel'), 1, ''),
      atMost("of opossum's bytes a call", size('plimsoll') / size('opossum'), 1, ''),
      atMost(`one of ${MANY} alive, of one alone`, time(`plimsoll one of ${MANY}`) / alone, 1.1, ''),
      atMost(`100 of ${MANY} in use, of one alone`, time(`plimsoll hot of ${MANY}`) / alone, 1.5, ''),
      atMost(
        `all of ${MANY} in turn, of the faster peer's`,
        time(`plimsoll all of ${MANY}`) / Math.min(time(`cockatiel all of ${MANY}`), time(`opossum all of ${MANY}`)),
        0.8,
        ''
      ),
      atMost(`timers just after ${MANY} were called`, timers.plimsoll.called, 1, ''),
      atMost(`timers a moment later`, timers.plimsoll.idle, 0, '')
    ]
  }
}

async function timersOf(name: StackName): Promise<{ called: number; idle: number }> {
  const stack = await StackProcess.start(name, { count: MANY, watchTimers: true })
  try {
    return await stack.timers()
  } finally {
    await stack.stop()
  }
}
