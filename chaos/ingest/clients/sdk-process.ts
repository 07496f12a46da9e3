import { setTimeout as nap } from 'node:timers/promises'
import { type Client, init } from '@plimsoll/sdk/node'
import { features } from '../plan.ts'
import { between, pick, seededRandom } from '../random.ts'
import type { ClientOptions } from './client.ts'
import { type SdkLine, writeLine } from './sdk-journal.ts'
import { sdkUser } from './sdk-record.ts'

/** A program that records with the SDK, to be killed at any instant, or to be told to end as programs do. */

export interface SdkOrder extends ClientOptions {
  /** Where the SDK keeps what it has not delivered; programs share it. */
  folder: string
  /** What this program says of its calls. */
  journal: string
  /** How often it was started before. */
  life: number
  paceMs: number
  /** `deliver`: records nothing, and ends when all is delivered that others have left. */
  task: 'record' | 'deliver'
}

const settings = { flushMs: 120, requestMs: 1_500 }

async function record({ name, seed, url, key, folder, journal, life, paceMs }: SdkOrder): Promise<void> {
  const random = seededRandom(seed, name, life)
  const say = (line: SdkLine) => writeLine(journal, line)
  let stopped = false
  process.on('message', message => {
    if (message === 'stop') stopped = true
  })
  say({ do: 'begin', at: Date.now() })
  // The session begins here, because the user is known.
  const client = init({ ...settings, endpoint: url, key, folder, user: sdkUser(name) })
  const saySession = () => say({ do: 'session', session: client.session.id!, at: Date.now() })
  saySession()
  for (let n = 0; !stopped; n++) {
    const tag = `${name}/${life}/${n}`
    const feature = pick(random, features)
    const spoilt = random() < 0.02
    say({ do: 'call', tag, feature, at: Date.now(), ...(spoilt ? { spoilt } : {}) })
    client.feature(feature, {
      call: tag,
      durationMs: between(random, 1, 900),
      ...(spoilt ? spoil(random() < 0.5) : {})
    })
    say({ do: 'called', tag })
    if (random() < 0.03) {
      end(client, say)
      say({ do: 'begin', at: Date.now() })
      client.session.start()
      saySession()
    }
    await nap(between(random, 0, 2 * paceMs))
  }
  const session = client.session.id!
  say({ do: 'end', session, at: Date.now() })
  const shut = client.shutdown()
  // What it records it has recorded when it returns; only sending goes on.
  say({ do: 'ended', session })
  await shut
}

function end(client: Client, say: (line: SdkLine) => void): void {
  const session = client.session.id!
  say({ do: 'end', session, at: Date.now() })
  client.session.end()
  say({ do: 'ended', session })
}

/** No JSON, or too much of it. */
const spoil = (big: boolean) => (big ? { text: 'x'.repeat(40_000) } : { n: 1n })

async function deliver({ url, key, folder }: SdkOrder): Promise<void> {
  const client = init({ ...settings, endpoint: url, key, folder })
  while (!(await client.flush())) await nap(200)
  const left = Object.keys(await client.losses()).length
  await client.shutdown()
  process.send?.({ delivered: left === 0 })
}

process.once('message', async order => {
  const { task } = order as SdkOrder
  process.on('disconnect', () => process.exit(1))
  await (task === 'record' ? record : deliver)(order as SdkOrder)
  process.disconnect?.()
  process.exit(0)
})
