import { type Fault, patiently } from './fault.ts'

/** What may happen to the metadata API that sessions are enriched from. */

type Faults = Parameters<Parameters<Fault['play']>[0]['metadata']['fault']>[0]

function ailing(kind: string, about: string, faults: Faults): Fault {
  return {
    kind,
    about,
    group: 'metadata',
    shortestMs: 500,
    longestMs: 2_500,
    async play({ metadata }, { forMs }, hand) {
      await patiently(hand, () => metadata.fault(faults))
      await hand.wait(forMs)
      await patiently(hand, () => metadata.fault({}))
    }
  }
}

export const metadataFaults: readonly Fault[] = [
  ailing('metadata-slow', 'the metadata API takes 800 ms', { latencyMs: 800 }),
  ailing('metadata-failing', 'the metadata API fails three calls of ten', { errorRate: 0.3 }),
  ailing('metadata-hangs', 'the metadata API takes calls and answers none', { hang: true }),
  {
    kind: 'metadata-dead',
    about: 'kill -9 of the metadata API',
    group: 'metadata',
    shortestMs: 1_500,
    longestMs: 3_000,
    async play({ metadata }, { forMs }, { wait }) {
      await metadata.kill()
      await wait(forMs - 1_000)
      await metadata.start()
    }
  }
]
