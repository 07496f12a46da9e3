import { setTimeout as wait } from 'node:timers/promises'
import { type Aim, atLeast, atMost, type RunOptions, type StartedPlatform, startPlatformProcess } from '@plimsoll/bench'
import { Books } from './books.ts'
import type { OpenApiDocument } from './document.ts'
import { projects } from './draft.ts'
import { fire, type Range } from './fire.ts'
import { type FaultKind, faultKinds } from './judge.ts'
import { Memory } from './memory.ts'
import { Tally } from './tally.ts'
import { Shots } from './ways.ts'
import { Wire } from './wire.ts'

/** Connections at once, each with one request at a time: well below what the platform takes. */
const connections = 6
const usualSeconds = 300
const quickSeconds = 20
/** A process that just started is still growing; a shorter run cannot tell a leak from that. */
const memorySeconds = 60

/**
 * Sends the platform what its own OpenAPI document allows, and everything near it that it does not, for a while.
 * Stateless property-based API fuzzing, as Schemathesis does it (Hatfield-Dodds and Dygalo, ICSE 2022).
 */
export async function openapi({
  quick,
  seed,
  seconds = quick ? quickSeconds : usualSeconds,
  note
}: RunOptions): Promise<{ figures: Record<string, unknown>; aims: Aim[] }> {
  const platform = await startPlatformProcess()
  try {
    const pid = await platform.platformPid()
    const shots = new Shots(await platform.get<OpenApiDocument>('/openapi.json'), seed, Date.now())
    const tally = new Tally(seed)
    const books = new Books()
    const range: Range = {
      tally,
      books,
      fill: await secretsOf(platform),
      onFault: fault => note(`  fault: ${JSON.stringify(fault)}`)
    }
    note(`  ${shots.operations.length} operations, ${seconds} s, seed ${seed}`)
    const memory = await bombard(platform, shots, range, seconds, note)
    const closed = await books.close(platform)
    const warm = memory.between(0.15 * seconds, 0.25 * seconds)
    const end = memory.between(0.9 * seconds, seconds)
    const restarts = (await platform.platformPid()) === pid ? 0 : 1
    return {
      figures: {
        seconds,
        requests: tally.requests,
        'requests by way': tally.ways,
        'answers by status': tally.statuses,
        'successes by operation': Object.fromEntries(
          shots.operations.map(({ name }) => [name, tally.succeeded.get(name) ?? 0])
        ),
        'events accepted, by the answers': books.accepted,
        'events of requests whose answer did not tell, at most': books.perhaps,
        ledgers: closed.ledgers,
        'memory after the warm-up, MB': warm / 1e6,
        'memory at the end, MB': end / 1e6,
        'memory by tenth of the run, MB': memory.tenths(seconds),
        'bodies over 1 MB whose refusal was cut off': tally.cutOff,
        'faults to repeat': [...tally.kept.values()]
      },
      aims: [
        ...(Object.keys(faultKinds) as FaultKind[]).map(kind => atMost(faultKinds[kind], tally.faults[kind], 0, '')),
        atMost('restarts of the platform', restarts, 0, ''),
        atLeast('valid requests with a success', tally.valid.succeeded / tally.valid.sent, 0.5, ''),
        atMost('projects whose books do not balance (P3)', closed.unbalanced, 0, ''),
        atMost('accepted events unlike the answers (P1, P2)', closed.off, 0, ''),
        ...(seconds < memorySeconds
          ? []
          : [
              atMost('growth of memory', (end - warm) / 1e6, 100, 'MB'),
              atMost('growth of memory', (100 * (end - warm)) / warm, 25, '%')
            ])
      ]
    }
  } finally {
    await platform.stop()
  }
}

async function bombard(
  platform: StartedPlatform,
  shots: Shots,
  range: Range,
  seconds: number,
  note: RunOptions['note']
): Promise<Memory> {
  const memory = new Memory(platform.url)
  const began = performance.now()
  const elapsed = () => (performance.now() - began) / 1000
  let next = 0
  const shoot = async () => {
    const wire = new Wire(platform.host, platform.port)
    while (elapsed() < seconds) await fire(shots.make(next++), wire, range)
    wire.close()
  }
  const watch = async () => {
    for (let round = 1; elapsed() < seconds; round++) {
      await memory.sample(elapsed())
      if (round % 30 === 0) note(`  ${Math.round(elapsed())} s, ${range.tally.requests} requests`)
      await wait(1_000)
    }
    await memory.sample(seconds)
  }
  await Promise.all([watch(), ...Array.from({ length: connections }, shoot)])
  return memory
}

/** Keys of the run's projects, the admin token and a signed-in cookie, for the names that stand for them in a draft. */
async function secretsOf(platform: StartedPlatform): Promise<(text: string) => string> {
  const token = new URL(platform.signInLink).hash.slice(1)
  const signedIn = await fetch(`${platform.url}/v1/sign-in`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ token })
  })
  const secrets = new Map([
    ['admin', platform.adminToken],
    ['cookie', signedIn.headers.get('set-cookie')?.split(';')[0] ?? '']
  ])
  for (const [name, project] of Object.entries(projects)) secrets.set(name, await platform.createKey(project))
  return text => text.replace(/\{(\w+)\}/g, (whole, name: string) => secrets.get(name) ?? whole)
}
