import type { Lane, Toxic } from '../../engines/toxiproxy.ts'
import { between, pick, type Random } from '../random.ts'
import { type Fault, type Hand, patiently, type Stage } from './fault.ts'

/** What may happen to a connection between a client and the platform. */

/** A browser that is started again makes nothing for less than this, in milliseconds. */
const longestAwayMs = 10_000

/** Lasts its time, and until each client of the way has made something in it: whoever was away would not have met it. */
async function lastOn({ host, port }: Lane, { clients }: Stage, forMs: number, { wait }: Hand): Promise<void> {
  const from = Date.now()
  await wait(forMs)
  const mine = clients.filter(client => client.url === `http://${host}:${port}`)
  const isAway = () => mine.some(({ lastMadeAt }) => lastMadeAt !== undefined && lastMadeAt < from)
  for (let waited = 0; isAway() && waited < longestAwayMs; waited += 100) await wait(100)
}

function ill(
  kind: string,
  about: string,
  longestMs: number,
  toxic: (random: Random) => Omit<Toxic, 'toxicity'> & { toxicity?: number }
): Fault {
  return {
    kind,
    about,
    group: kind,
    shortestMs: 500,
    longestMs,
    async play(stage, { forMs }, hand) {
      const drawn = { toxicity: 0.6, ...toxic(hand.random) }
      const { lane, heal } = await patiently(hand, async () => {
        const well = stage.lanes.filter(lane => !lane.isIll(drawn.stream))
        const lane = hand.leastHit(well.length > 0 ? well : stage.lanes, ({ name }) => name)
        hand.hit({ lane: lane.name })
        return { lane, heal: await lane.infect(drawn) }
      })
      await lastOn(lane, stage, forMs, hand)
      await heal()
    }
  }
}

export const networkFaults: readonly Fault[] = [
  // With nothing let through, the connection is closed as the first byte of the answer comes: after the commit.
  ill('reply-lost', 'the answer is dropped after the commit, and the connection closed', 4_000, () => ({
    type: 'limit_data',
    stream: 'downstream',
    attributes: { bytes: 0 }
  })),
  ill('reply-cut', 'the connection is closed in the middle of the answer', 4_000, random => ({
    type: 'limit_data',
    stream: 'downstream',
    attributes: { bytes: between(random, 10, 500) }
  })),
  ill('request-cut', 'the connection is closed in the middle of the request', 4_000, random => ({
    type: 'limit_data',
    stream: 'upstream',
    attributes: { bytes: between(random, 100, 3_000) }
  })),
  ill('reply-hangs', 'the answer never comes, the connection stays open', 4_000, () => ({
    type: 'timeout',
    stream: 'downstream',
    attributes: { timeout: 0 }
  })),
  ill('request-hangs', 'the request never arrives, the connection stays open', 4_000, () => ({
    type: 'timeout',
    stream: 'upstream',
    attributes: { timeout: 0 }
  })),
  ill('reset', 'the connection is reset', 4_000, random => ({
    type: 'reset_peer',
    stream: 'downstream',
    attributes: { timeout: between(random, 0, 60) }
  })),
  ill('slow-close', 'the connection is closed late', 4_000, () => ({
    type: 'slow_close',
    stream: 'downstream',
    attributes: { delay: 1_000 }
  })),
  ill('latency', 'answers come about when the client gives up', 4_000, () => ({
    type: 'latency',
    stream: 'downstream',
    attributes: { latency: 1_400, jitter: 600 }
  })),
  // Old requests arrive long after the client has sent the same again and was answered.
  ill('late-requests', 'requests arrive when the client has long given up', 5_000, () => ({
    type: 'latency',
    stream: 'upstream',
    attributes: { latency: 2_500, jitter: 1_000 }
  })),
  ill('narrow', 'the line is narrow, and cuts what it carries in slices', 4_000, random => ({
    type: 'bandwidth',
    stream: pick(random, ['upstream', 'downstream']),
    attributes: { rate: between(random, 2, 20) }
  })),
  {
    kind: 'refused',
    about: 'connections are refused, and those that are open closed',
    group: 'refused',
    shortestMs: 300,
    longestMs: 3_000,
    async play(stage, { forMs }, hand) {
      const lane = hand.leastHit(stage.lanes, ({ name }) => name)
      hand.hit({ lane: lane.name })
      await lane.enable(false)
      await lastOn(lane, stage, forMs, hand)
      await lane.enable(true)
    }
  }
]
