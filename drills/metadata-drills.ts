import { type Aim, atMost, type RunOptions } from '@plimsoll/bench'
import type { Drill } from './drill.ts'
import { type NightReport, type Phase, runNight } from './night.ts'
import { causeAims, dependencyAims, figuresOf, standingAims } from './verdict.ts'

/** Faults of the metadata API: they may cost its own answers, and nothing else. */

const healthy = (seconds: number): Phase => ({ name: 'healthy', seconds })
const slow = (seconds: number): Phase => ({
  name: 'slow',
  seconds,
  cause: { rule: 'slow-dependency', subject: 'metadata' },
  begin: ({ metadata }) => metadata.fault({ latencyMs: 800 })
})
const dead = (seconds: number): Phase => ({
  name: 'dead',
  seconds,
  cause: { rule: 'dead-dependency', subject: 'metadata' },
  begin: ({ metadata }) => metadata.kill()
})
const failing = (seconds: number): Phase => ({
  name: 'failing',
  seconds,
  cause: { rule: 'erring-dependency', subject: 'metadata' },
  begin: ({ metadata }) => metadata.fault({ latencyMs: 5, errorRate: 0.06 })
})
const hanging = (seconds: number): Phase => ({
  name: 'hanging',
  seconds,
  cause: { rule: 'hanging-dependency', subject: 'metadata' },
  begin: ({ metadata }) => metadata.fault({ hang: true })
})
const back = (seconds: number): Phase => ({
  name: 'back',
  seconds,
  async begin({ metadata }) {
    await metadata.kill()
    await metadata.start()
    await metadata.fault({ latencyMs: 5 })
  }
})

interface MetadataNight {
  about: string
  /** Of the faults, in order. */
  faults: ((seconds: number) => Phase)[]
}

function metadataDrill({ about, faults }: MetadataNight): Drill {
  return {
    about,
    async run({ quick, note }: RunOptions, { policies }) {
      const seconds = quick ? 5 : 12
      const faulty = faults.map(fault => fault(seconds))
      const report = await runNight({
        phases: [healthy(seconds), ...faulty, back(seconds)],
        flags: policies ? [] : ['--without-policies'],
        note
      })
      const names = faulty.map(({ name }) => name)
      return {
        figures: { policies, ...figuresOf(report) },
        incident: report.named[names[0]!]?.incident,
        aims: policies
          ? [...dependencyAims(report, names), ...standingAims(report), ...causeAims(report)]
          : [collapse(report, names)]
      }
    }
  }
}

/** Without the policies there must be something to prevent; else the drill proves nothing. */
function collapse({ phases }: NightReport, faulty: string[]): Aim {
  const worst = Math.min(...faulty.map(name => phases[name]!.perSecond)) / phases.healthy!.perSecond
  return atMost('rate kept, without policies', worst, 0.5, '')
}

export const slowMetadata = metadataDrill({
  about: 'the metadata API goes from 5 ms to 800 ms, dies, and comes back: the night of the story',
  faults: [slow, dead]
})
export const deadMetadata = metadataDrill({ about: 'the metadata API is killed, and comes back', faults: [dead] })
export const failingMetadata = metadataDrill({
  about: 'the metadata API fails 6 % of its calls, and is mended',
  faults: [failing]
})
export const hangingMetadata = metadataDrill({
  about: 'the metadata API takes every call and answers none, and is mended',
  faults: [hanging]
})
