import assert from 'node:assert/strict'
import { randomUUID, randomUUIDv7 } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import type { SessionAnswer } from '@plimsoll/service-telemetry/contract'
import { PatientClient } from './patient-client.ts'
import { between, pick, seededRandom } from './seeded-random.ts'

interface SentEvent {
  id: string
  type: string
  time: string
  user: { id: string }
  session: { id: string }
  data?: { feature: string; status: number; durationMs: number }
}

interface SentSession {
  key: string
  body: { user: { id: string } }
  answer: SessionAnswer
}

interface EventsAnswer {
  results: { id: string; result: string; code?: string }[]
}

const features = ['soundings', 'bearings', 'log', 'tides']

/** Clients of one project that send single events, small batches and whole sessions until they are told to stop. */
export class LiveTraffic {
  readonly #client: PatientClient
  readonly #random: () => number
  readonly #openSessions: { session: string; user: string }[] = []
  #stopped = false
  #clients: Promise<void>[] = []
  /** Everything here was acknowledged. */
  readonly events: SentEvent[] = []
  readonly sessions: SentSession[] = []

  constructor(url: string, key: string, seed: number) {
    this.#client = new PatientClient(url, key)
    this.#random = seededRandom(seed)
  }

  get retries(): number {
    return this.#client.retries
  }

  start(clients: number): void {
    this.#clients = Array.from({ length: clients }, () => this.#run())
  }

  /** Lets each client have its last answer. */
  async stop(): Promise<void> {
    this.#stopped = true
    await Promise.all(this.#clients)
  }

  async #run(): Promise<void> {
    while (!this.#stopped) {
      const chance = this.#random()
      if (chance < 0.5) await this.#sendEvents(this.#newEvent())
      else if (chance < 0.75)
        await this.#sendEvents(Array.from({ length: between(this.#random, 2, 12) }, () => this.#newEvent()))
      else await this.#sendSession()
      // As fast as it can be is a matter for benches; here it would only take the machine from the others.
      await sleep(5)
    }
  }

  #newEvent(): SentEvent {
    const random = this.#random
    const isNew = this.#openSessions.length === 0 || random() < 0.2
    const visit = isNew
      ? { session: randomUUIDv7(), user: `demo-user-${between(random, 1, 400)}` }
      : pick(random, this.#openSessions.slice(-50))
    if (isNew) this.#openSessions.push(visit)
    const type = isNew
      ? 'session.start'
      : pick(random, ['feature.used', 'feature.used', 'session.heartbeat', 'session.end'])
    return {
      id: randomUUIDv7(),
      type,
      time: new Date().toISOString(),
      user: { id: visit.user },
      session: { id: visit.session },
      ...(type === 'feature.used'
        ? { data: { feature: pick(random, features), status: 200, durationMs: between(random, 1, 90) } }
        : {})
    }
  }

  async #sendEvents(sent: SentEvent | SentEvent[]): Promise<void> {
    const { body } = await this.#client.post<EventsAnswer>('/v1/events', sent)
    const all = Array.isArray(sent) ? sent : [sent]
    // A first answer that was lost makes the second one say `duplicate`: an acknowledgement too.
    assert.deepEqual(
      body.results.map(({ id, result }) => [id, result === 'accepted' || result === 'duplicate' ? 'taken' : result]),
      all.map(({ id }) => [id, 'taken'])
    )
    this.events.push(...all)
  }

  async #sendSession(): Promise<void> {
    const key = randomUUID()
    const body = { user: { id: `demo-user-${between(this.#random, 1, 400)}` } }
    const { status, body: answer } = await this.#post(key, body)
    assert.equal(status, 201)
    this.sessions.push({ key, body, answer })
  }

  #post(key: string, body: SentSession['body']) {
    return this.#client.post<SessionAnswer>('/v1/sessions', body, { 'idempotency-key': key })
  }

  /** Sends everything once more, and says how each was answered. */
  async sendAgain(): Promise<{ events: Record<string, number>; sessions: Record<string, number> }> {
    const tally = { events: {} as Record<string, number>, sessions: {} as Record<string, number> }
    for (let from = 0; from < this.events.length; from += 500) {
      const { body } = await this.#client.post<EventsAnswer>('/v1/events', this.events.slice(from, from + 500))
      for (const { result } of body.results) tally.events[result] = (tally.events[result] ?? 0) + 1
    }
    for (const { key, body, answer } of this.sessions) {
      const again = await this.#post(key, body)
      assert.deepEqual(again.body, answer)
      const how = again.headers.get('idempotent-replayed') === 'true' ? 'replayed' : 'new'
      tally.sessions[how] = (tally.sessions[how] ?? 0) + 1
    }
    return tally
  }

  /** What a dashboard must show of all this. */
  get expected(): { sessions: number; users: number; features: Record<string, number> } {
    const uses: Record<string, number> = {}
    for (const { data } of this.events) if (data) uses[data.feature] = (uses[data.feature] ?? 0) + 1
    const sessions = [...this.events.map(({ session }) => session.id), ...this.sessions.map(({ answer }) => answer.id)]
    const users = [...this.events, ...this.sessions.map(({ body }) => body)].map(({ user }) => user.id)
    return { sessions: new Set(sessions).size, users: new Set(users).size, features: uses }
  }
}
