import type { OpenApiDocument, Operation } from './document.ts'
import { operationsOf } from './document.ts'
import { bytesOf, type Draft, validDraft } from './draft.ts'
import { Random } from './random.ts'
import { spoil } from './spoil.ts'
import { type Known, newId } from './value.ts'

/** How requests reach the platform. All but `noise` and those that leave wait for an answer. */
export type Way =
  | 'valid'
  | 'spoilt'
  | 'in pieces'
  | 'pipelined'
  | 'half closed'
  | 'cut short'
  | 'left without waiting'
  | 'noise'

const shares: [Way, number][] = [
  ['valid', 0.3],
  ['spoilt', 0.52],
  ['in pieces', 0.04],
  ['pipelined', 0.04],
  ['half closed', 0.02],
  ['cut short', 0.04],
  ['left without waiting', 0.02],
  ['noise', 0.02]
]

export interface Shot {
  index: number
  way: Way
  /** One, or several for a pipeline. Empty for noise. */
  drafts: Draft[]
  noise?: Buffer
  /** Where to cut it, as a share of its bytes. */
  cut: number
}

/** Makes the shots of a run: each follows from the document, the seed and its number. */
export class Shots {
  readonly operations: Operation[]
  readonly #seed: number
  readonly #known: Known

  constructor(document: OpenApiDocument, seed: number, now: number) {
    this.operations = operationsOf(document)
    this.#seed = seed
    const random = new Random(seed, -2)
    this.#known = { now, ids: Array.from({ length: 40 }, () => newId(random, now)) }
  }

  make(index: number): Shot {
    const random = new Random(this.#seed, index)
    const way = wayOf(random)
    const cut = random.next()
    if (way === 'noise') return { index, way, drafts: [], noise: noise(random), cut }
    const drafts = Array.from({ length: way === 'pipelined' ? random.whole(2, 8) : 1 }, () => {
      const draft = validDraft(random.pick(this.operations), random, this.#known)
      if (way === 'spoilt' || (way !== 'valid' && way !== 'pipelined' && random.chance(0.3))) this.#spoil(draft, random)
      // A client that leaves tells nobody what became of its events: not in the books that are counted.
      if (way === 'cut short' || way === 'left without waiting' || way === 'half closed')
        draft.headers = draft.headers.map(([name, value]) => [name, value.replace('{books}', '{left}')])
      return draft
    })
    return { index, way, drafts, cut }
  }

  /** Another method may make it a request for another operation of the same path. */
  #spoil(draft: Draft, random: Random): void {
    const path = draft.operation?.path
    spoil(draft, random)
    const { operation, method, mutations } = draft
    if (operation || mutations.includes('path') || mutations.includes('path parameter')) return
    draft.operation = this.operations.find(other => other.path === path && other.method === method)
  }
}

function wayOf(random: Random): Way {
  let left = random.next()
  for (const [way, share] of shares) {
    left -= share
    if (left < 0) return way
  }
  return 'spoilt'
}

function noise(random: Random): Buffer {
  const bytes = Buffer.from(Array.from({ length: random.whole(1, 300) }, () => random.whole(0, 255)))
  return random.pick([
    bytes,
    Buffer.from('\r\n\r\n'),
    Buffer.from('GET / HTTP/9.9\r\n\r\n'),
    Buffer.from('GET\r\n\r\n'),
    Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'),
    Buffer.from('160301020001000001fc0303', 'hex'),
    Buffer.from(`GET / HTTP/1.1\r\n${'x'.repeat(40_000)}`),
    Buffer.concat([
      Buffer.from('POST /v1/events HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\nffffffffffffffffff\r\n'),
      bytes
    ]),
    Buffer.concat([Buffer.from('GET /v1/me HTTP/1.1\r\nhost: x\r\n'), bytes])
  ])
}

/** The bytes of a draft, whole. */
export function wholeBytes(draft: Draft, fill: (text: string) => string): Buffer {
  const { head, body } = bytesOf(draft, fill)
  return Buffer.concat([head, body])
}
