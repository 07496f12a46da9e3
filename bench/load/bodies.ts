/** Bodies of requests, made as fast as they can be sent. Deterministic but for the ids, which are unique per run. */

export type Kind = 'event' | 'session' | 'batch' | 'echo' | 'history'

export interface BodyOptions {
  kind: Kind
  /** Distinct users the events are of. */
  users: number
  /** Events in a batch. */
  batchSize: number
  /** Tells one generator's ids from another's, 0 to 65,535. */
  worker: number
  /** For `history`: one session an event, `total` of them spread over the `days` before now, in order of time. */
  total?: number
  days?: number
}

export interface Body {
  text: string
  events: number
  /** The Idempotency-Key, where the kind needs one. */
  key?: string
}

const regions = ['dashboard', 'export', 'search', 'invite', 'billing', 'report']

/** Makes bodies of one kind. Ids are version 7: 48 bits of time, then worker, run and counter. */
export function bodyMaker({ kind, users, batchSize, worker, total = 1, days = 7 }: BodyOptions): () => Body {
  let counter = 0
  const run = Math.floor(Math.random() * 0xffff_ffff)
  const uuid = (ms = Date.now()) => {
    counter++
    const time = ms.toString(16).padStart(12, '0')
    const low = counter.toString(16).padStart(12, '0')
    return `${time.slice(0, 8)}-${time.slice(8)}-7${(worker & 0xfff).toString(16).padStart(3, '0')}-8${(run & 0xfff).toString(16).padStart(3, '0')}-${low}`
  }
  const user = () =>
    `demo-user-${(Math.imul(counter, 2_654_435_761) >>> 0) % users}`.replace(/\d+$/, n => n.padStart(6, '0'))
  let session = ''
  let sessionUser = ''
  const event = (first: boolean) => {
    const time = new Date().toISOString()
    if (first) {
      session = uuid()
      sessionUser = user()
      return `{"id":"${uuid()}","type":"session.start","time":"${time}","user":{"id":"${sessionUser}"},"session":{"id":"${session}"},"data":{"appVersion":"4.2.0","os":"ios"}}`
    }
    return `{"id":"${uuid()}","type":"feature.used","time":"${time}","user":{"id":"${sessionUser}"},"session":{"id":"${session}"},"data":{"feature":"${regions[counter % regions.length]}","outcome":"ok","durationMs":${counter % 400}}}`
  }
  switch (kind) {
    case 'event':
    case 'echo':
      return () => ({ text: event(true), events: 1 })
    case 'session':
      return () => ({ text: `{"user":{"id":"${user()}"},"data":{"appVersion":"4.2.0"}}`, events: 1, key: uuid() })
    case 'history': {
      const startedAt = Date.now() - days * 86_400_000
      const step = (days * 86_400_000) / total
      let made = 0
      return () => {
        const events: string[] = []
        for (let i = 0; i < batchSize; i++) {
          const ms = Math.floor(startedAt + Math.min(made++, total) * step)
          const id = uuid(ms)
          events.push(
            `{"id":"${id}","type":"session.start","time":"${new Date(ms).toISOString()}","user":{"id":"${user()}"},"session":{"id":"${uuid(ms)}"}}`
          )
        }
        return { text: `[${events.join(',')}]`, events: batchSize }
      }
    }
    // Five events a session, as a client that sends a minute's worth at once.
    case 'batch':
      return templated(batchSize, users, { worker, run })
  }
}

/** How old the times in a template may be, in milliseconds. */
const freshMs = 500

/**
 * Bodies of many events from a template: what differs from body to body, ids and users, is put in by one replacement a
 * session. Made event by event they would cost more than all that is sent, on cores shared with what is measured.
 */
function templated(batchSize: number, users: number, { worker, run }: { worker: number; run: number }): () => Body {
  let sessions: string[] = []
  let madeAt = Number.NEGATIVE_INFINITY
  let body = 0
  return () => {
    const now = Date.now()
    if (now - madeAt > freshMs) {
      madeAt = now
      sessions = sessionTemplates(batchSize, now, worker, run)
    }
    const number = (++body).toString(16).padStart(8, '0')
    const texts = sessions.map((template, i) => {
      const user = (Math.imul(body * sessions.length + i, 2_654_435_761) >>> 0) % users
      return template.replaceAll('~', number).replaceAll('^', String(user).padStart(6, '0'))
    })
    return { text: `[${texts.join(',')}]`, events: batchSize }
  }
}

/** One text a session: `~` stands for the body's number in each id, `^` for the user's. */
function sessionTemplates(batchSize: number, now: number, worker: number, run: number): string[] {
  const time = new Date(now).toISOString()
  const hex = now.toString(16).padStart(12, '0')
  let index = 0
  const uuid = () =>
    `${hex.slice(0, 8)}-${hex.slice(8)}-7${(worker & 0xfff).toString(16).padStart(3, '0')}-8${(run & 0xfff).toString(16).padStart(3, '0')}-~${(index++).toString(16).padStart(4, '0')}`
  const templates: string[] = []
  for (let left = batchSize; left > 0; left -= 5) {
    const session = uuid()
    const events = Array.from({ length: Math.min(5, left) }, (_, i) => {
      const [type, data] =
        i === 0
          ? ['session.start', '{"appVersion":"4.2.0","os":"ios"}']
          : [
              'feature.used',
              `{"feature":"${regions[index % regions.length]}","outcome":"ok","durationMs":${index % 400}}`
            ]
      return `{"id":"${uuid()}","type":"${type}","time":"${time}","user":{"id":"demo-user-^"},"session":{"id":"${session}"},"data":${data}}`
    })
    templates.push(events.join(','))
  }
  return templates
}
