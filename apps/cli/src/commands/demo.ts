import { runDemo } from '@plimsoll/platform/local'
import { Client, type ClientOptions } from '../client.ts'
import { CommandError } from '../exit-codes.ts'
import { number, Progress, print } from '../output.ts'

interface DemoFlags extends ClientOptions {
  json: boolean
  seed: string
  days: string
  sessionsPerDay: string
  live: boolean
}

/** `plimsoll demo`: a generated week into a running platform, then live traffic until it is stopped. */
export async function demo(options: DemoFlags): Promise<void> {
  const project = options.project === 'default' ? 'demo' : options.project
  const client = new Client({ ...options, project })
  const whole = (name: string, text: string, most: number) => {
    const n = Number(text)
    if (!Number.isInteger(n) || n < 0 || n > most)
      throw new CommandError(`--${name} must be a whole number from 0 to ${most}`)
    return n
  }
  const progress = new Progress('demo')
  const stop = new AbortController()
  process.once('SIGINT', () => stop.abort())
  process.once('SIGTERM', () => stop.abort())
  const sent = await runDemo({
    url: () => client.directory.readAddresses()?.url ?? client.url,
    token: client.directory.adminToken,
    project,
    seed: whole('seed', options.seed, 0xffff_ffff),
    days: whole('days', options.days, 60),
    sessionsPerDay: whole('sessions-per-day', options.sessionsPerDay, 100_000),
    live: options.live,
    signal: stop.signal,
    onProgress: (events, total) => progress.update(events, total)
  })
  progress.end()
  print(options.json, { project, ...sent }, () => [
    `${number(sent.accepted)} events accepted, ${number(sent.duplicate)} duplicate, in project ${project}`
  ])
}
