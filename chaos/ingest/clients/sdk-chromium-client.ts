import { setTimeout as nap } from 'node:timers/promises'
import { chromiumOptions, noChromium } from '@plimsoll/bench/end-to-end'
import { type BrowserContext, chromium } from 'playwright-core'
import { features } from '../plan.ts'
import { between, pick, seededRandom } from '../random.ts'
import { newTally, surprise } from '../tally.ts'
import type { Client, ClientOptions } from './client.ts'
import type { Call, SdkRecord, SessionNote } from './sdk-record.ts'
import { sdkUser } from './sdk-record.ts'
import { openSite } from './sdk-site.ts'
import { openTab, type Tab } from './sdk-tab.ts'

/** Why there can be no such client here; absent = there can. */
export const chromiumMissing = (): string | undefined => noChromium || undefined

export interface SdkChromiumOptions extends ClientOptions {
  /** Of the browser, for as long as the run. */
  profile: string
  paceMs: number
}

/** The SDK in pages of one Chromium, which go offline, are loaded again, closed and opened, and the browser with them. */
export function sdkChromiumClient({ name, seed, url, key, profile, paceMs }: SdkChromiumOptions): Client {
  const random = seededRandom(seed, name)
  const tally = newTally()
  const calls: Call[] = []
  const starts = new Map<string, SessionNote>()
  const ends: SessionNote[] = []
  let nameless = 0
  let stopped = false
  let delivered = false
  let site: Awaited<ReturnType<typeof openSite>> | undefined
  let context: BrowserContext | undefined
  let first: Tab | undefined
  let lines: Promise<void>[] = []

  const know = (session: string) => {
    if (!starts.has(session)) starts.set(session, { session, madeAt: Date.now(), sure: true })
  }
  const load = async (tab: Tab) => {
    nameless++
    know(await tab.load())
    nameless--
  }
  const open = async () => {
    const tab = await openTab(context!, site!.url, {
      endpoint: url,
      key,
      user: sdkUser(name),
      flushMs: 150,
      requestMs: 1_500,
      // None by itself: they have no tag.
      heartbeatMs: 2 ** 31 - 1
    })
    await load(tab)
    return tab
  }
  const launch = async () => {
    context = await chromium.launchPersistentContext(profile, chromiumOptions)
    first = await open()
  }
  const record = async (tab: Tab) => {
    const some = Array.from({ length: between(random, 1, 4) }, () => {
      const call: Call = {
        tag: `${name}/${calls.length}`,
        feature: pick(random, features),
        madeAt: Date.now(),
        sure: false
      }
      calls.push(call)
      return call
    })
    know(await tab.record(some.map(({ tag, feature }) => ({ tag, feature }))))
    for (const call of some) call.sure = true
  }
  /** Records while the tab lasts. What fails because its page goes is not known to be stored. */
  const recordOn = async (which: () => Tab | undefined, isOver: () => boolean) => {
    while (!isOver()) {
      const tab = which()
      if (tab) await record(tab).catch(() => nap(50))
      await nap(between(random, 0, 2 * paceMs))
    }
  }
  const begin = async () => {
    site = await openSite()
    await launch()
    await recordOn(
      () => first,
      () => stopped
    )
  }
  const shut = async () => {
    first = undefined
    await context?.close()
    context = undefined
  }

  /** A slow one may last beyond its time: the next waits for it. */
  let turn: Promise<void> = Promise.resolve()
  const inTurn = (work: (forMs: number) => Promise<void>) => (forMs: number) => {
    const mine = turn.then(() => work(forMs))
    turn = mine.catch(() => undefined)
    return mine
  }

  return {
    name,
    kind: 'SDK in Chromium',
    url,
    tally,
    get unfinished() {
      return delivered ? 0 : 1
    },
    get lastMadeAt() {
      return calls.at(-1)?.madeAt ?? 0
    },
    start() {
      lines = [begin()]
      for (const line of lines) line.catch(error => surprise(tally, `Chromium: ${error}`))
    },
    suffer: {
      offline: inTurn(async forMs => {
        const struck = context!
        await struck.setOffline(true)
        await nap(forMs)
        await struck.setOffline(false)
      }),
      reload: inTurn(async forMs => {
        await load(first!)
        await nap(forMs)
      }),
      reopen: inTurn(async forMs => {
        const closing = first!
        // Just stored, and not sent yet.
        await record(closing).catch(() => undefined)
        // The empty page that a browser starts with stays, or it would end.
        first = undefined
        await closing.close()
        await nap(forMs)
        first = await open()
      }),
      'two-tabs': inTurn(async forMs => {
        const second = await open()
        let over = false
        const line = recordOn(
          () => second,
          () => over
        )
        await nap(forMs)
        // In the middle of its calls.
        await second.close()
        over = true
        await line
      }),
      restart: inTurn(async forMs => {
        await record(first!).catch(() => undefined)
        await shut()
        await nap(Math.max(0, forMs - 1_500))
        await launch()
      })
    },
    async finish(patienceMs) {
      stopped = true
      const until = performance.now() + patienceMs
      await Promise.allSettled(lines)
      if (!first) return
      await load(first)
      const session = [...starts.keys()].at(-1)!
      await first.end()
      ends.push({ session, madeAt: Date.now(), sure: true })
      while (!delivered && performance.now() < until) {
        delivered = await first.deliver()
        if (!delivered) await nap(200)
      }
    },
    deliveries: async () => [],
    recorded: (): SdkRecord => ({ user: sdkUser(name), calls, starts: [...starts.values()], ends, nameless }),
    async dispose() {
      stopped = true
      await shut().catch(() => undefined)
      await Promise.allSettled(lines)
      await shut().catch(() => undefined)
      await site?.[Symbol.asyncDispose]()
    }
  }
}
