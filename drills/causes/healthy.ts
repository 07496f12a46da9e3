import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { atLeast, atMost, type LoadOrder, type Result, type RunOptions, startLoad } from '@plimsoll/bench'
import { askWhy, namesOf } from './asked-why.ts'
import { pause } from './play.ts'
import { type Stage, startStage } from './stage.ts'

/** How often it is asked why, in milliseconds. */
const everyMs = 3_000

interface Hour {
  stage: Stage
  random(): number
  /** Load of one project for so many seconds, beside whatever runs. */
  load(seconds: number, over?: Partial<LoadOrder>): Promise<void>
}

/** What a healthy platform goes through in a day, each in its seconds. Nothing of it is a fault. */
const spells: Record<string, (hour: Hour) => Promise<void>> = {
  'an even load': ({ load }) => load(15, { rate: 60 }),
  async 'bursts of ten times the load'({ load, random }) {
    for (let burst = 0; burst < 4; burst++) {
      await load(2 + 2 * random(), { rate: 10 })
      await load(1 + 2 * random(), { rate: 100, connections: 128 })
    }
  },
  'a quiet night': ({ load }) => load(15, { rate: 1, connections: 2, batchSize: 1 }),
  async 'a morning'({ load }) {
    for (const rate of [10, 20, 40, 60, 80]) await load(3, { rate })
  },
  'an import beside it': async ({ load }) => {
    await Promise.all([load(12, { rate: 20 }), load(12, { connections: 4, batchSize: 400, worker: 51 })])
  },
  async 'the same sessions one by one'({ load }) {
    await load(10, { kind: 'session', path: '/v1/sessions', batchSize: 1, rate: 200, worker: 52 })
  },
  async 'a restart that was asked for'({ stage, load }) {
    await stage.restart({})
    await load(12, { rate: 40 })
  },
  async 'a rebuild of the read models'({ stage, load }) {
    await stage.restart({ meanwhile: () => rm(join(stage.data, 'read'), { recursive: true }) })
    await load(15, { rate: 40 })
  }
}

/** Real, healthy and uneven load, and `why` asked every few seconds: it must never name a cause. */
export async function healthyHour({ quick, seconds = quick ? 120 : 3_600, seed, note }: RunOptions): Promise<Result> {
  const random = randomNumbers(seed)
  const stage = await startStage('embedded', note, { loaded: false })
  const alarms: { second: number; during: string; said: string[] }[] = []
  const startedAt = performance.now()
  const passed = () => (performance.now() - startedAt) / 1_000
  let asked = 0
  let spell = 'nothing at all'
  let going = true
  const asking = (async () => {
    while (going) {
      await pause(everyMs)
      const diagnosis = askWhy(stage.data)
      asked++
      if (diagnosis.causes.length === 0) continue
      const alarm = { second: Math.round(passed()), during: spell, said: namesOf(diagnosis) }
      note(
        `  false alarm: ${JSON.stringify(alarm)} ${diagnosis.causes[0]!.evidence.map(({ text }) => text).join('; ')}`
      )
      alarms.push(alarm)
    }
  })()
  const played = new Map<string, number>()
  try {
    let worker = 60
    const load: Hour['load'] = async (length, over = {}) => {
      const order: LoadOrder = {
        kind: 'batch',
        batchSize: 10,
        host: stage.platform.host,
        port: stage.platform.port,
        path: '/v1/events',
        users: 100_000,
        worker: worker++,
        connections: 32,
        durationMs: Math.round(length * 1_000),
        headers: { authorization: `Bearer ${random() < 0.5 ? stage.keys.shop : stage.keys.news}` },
        ...over
      }
      await startLoad(order).done
    }
    const names = Object.keys(spells)
    for (let turn = 0; passed() < seconds; turn++) {
      // Each once before any comes again, and then by chance.
      spell = turn < names.length ? names[turn]! : names[Math.floor(random() * names.length)]!
      note(`${Math.round(passed())} s: ${spell}`)
      await spells[spell]!({ stage, random, load })
      played.set(spell, (played.get(spell) ?? 0) + 1)
    }
  } finally {
    going = false
    await asking
    await stage.stop()
  }
  return {
    figures: {
      seconds: Math.round(passed()),
      'times asked': asked,
      played: Object.fromEntries(played),
      alarms: alarms.slice(0, 20)
    },
    aims: [atLeast('times asked', asked, 10, ''), atMost('answers that named a cause', alarms.length, 0, '')]
  }
}

function randomNumbers(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return state / 4_294_967_296
  }
}
