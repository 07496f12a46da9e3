import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { NotConfirmedError } from '../errors.ts'
import { type Bench, inOrder, insist, numbered, until } from './under-test.ts'

const keys = ['a', 'b', 'c', 'd', 'e', 'f']

type Engine = NonNullable<Bench['under']['engine']>

/** They share each kill: a server takes seconds to come back. */
export function engineCases(bench: () => Bench): void {
  describe('kill -9 of the broker', { concurrency: true }, () => {
    const outages = new Outages(3, () => bench().under.engine!)
    /** A bench of its own, as the others are still at work when it ends. */
    const shared = (name: string, work: (own: Bench) => Promise<void>) =>
      it(name, async () => {
        const own = bench().apart()
        try {
          await work(own)
        } finally {
          await outages.leave()
          await own.clear()
        }
      })

    shared('what was confirmed is there, each once and in order', async own => {
      const topic = own.topic()
      await own.collect(topic, 'g', { batch: 5 })
      for (let round = 0; round < 2; round++) {
        await publishing(own, topic, round * 10)
        await outages.kill()
        await outages.start()
      }
      await publishing(own, topic, 20)
      const effects = await own.done(topic, 'g', 180)
      assert.equal(effects.length, 180)
      inOrder(effects)
    })

    shared('while messages are being published and handled', async own => {
      const topic = own.topic()
      await own.collect(topic, 'g')
      let stop = false
      let published = 0
      const publisher = (async () => {
        for (let n = 0; !stop; n++) {
          await insist(() => own.pubsub.publish(topic, numbered(3, ['a', 'b', 'c'], n)))
          published = (n + 1) * 3
        }
      })()
      for (let round = 0; round < 2; round++) {
        const before = published
        await until('thirty', () => published >= before + 30)
        await outages.kill()
        await outages.start()
      }
      const atRestart = published
      await until('thirty more', () => published >= atRestart + 30)
      stop = true
      await publisher
      const effects = await own.done(topic, 'g', published)
      assert.equal(effects.length, published)
      inOrder(effects)
    })

    shared('does not say that it is published while the broker is dead', async own => {
      const topic = own.topic()
      await own.collect(topic, 'g')
      const message = { key: 'k', type: 'a', data: { n: 0 } }
      await own.pubsub.publish(topic, { ...message, id: 'first' })
      for (const id of ['m', 'n']) {
        await outages.kill()
        await assert.rejects(own.pubsub.publish(topic, { ...message, id }), NotConfirmedError)
        if (own.broker.ping) await assert.rejects(own.broker.ping())
        await outages.start()
        await insist(() => own.pubsub.publish(topic, { ...message, id }))
        await until('an answer', async () => (await own.broker.ping?.().then(yes, no)) ?? true)
      }
      const effects = await own.done(topic, 'g', 3)
      assert.deepEqual(
        effects.map(({ id }) => id),
        ['first', 'm', 'n']
      )
    })
  })
}

const yes = () => true
const no = () => false

async function publishing(bench: Bench, topic: string, from: number): Promise<void> {
  await insist(() => bench.pubsub.publish(topic, numbered(60, keys, from)))
}

/** Kills and starts of the broker in turns. Each happens once, when all who are still in it have asked for it. */
class Outages {
  #members: number
  #engine: () => Engine
  #dead = false
  #asking: PromiseWithResolvers<void>[] = []

  constructor(members: number, engine: () => Engine) {
    this.#members = members
    this.#engine = engine
  }

  kill(): Promise<void> {
    return this.#ask()
  }

  start(): Promise<void> {
    return this.#ask()
  }

  /** One that is over, or failed, is not waited for; and no broker is left dead. */
  async leave(): Promise<void> {
    this.#members--
    if (this.#members === 0 && this.#dead) await this.#engine().start()
    else this.#actIfAll()
  }

  #ask(): Promise<void> {
    const asked = Promise.withResolvers<void>()
    this.#asking.push(asked)
    this.#actIfAll()
    return asked.promise
  }

  #actIfAll(): void {
    if (this.#asking.length === 0 || this.#asking.length < this.#members) return
    const asking = this.#asking.splice(0)
    const engine = this.#engine()
    const done = this.#dead ? engine.start() : engine.kill()
    this.#dead = !this.#dead
    for (const { resolve } of asking) resolve(done)
  }
}
