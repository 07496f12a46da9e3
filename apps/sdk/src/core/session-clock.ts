import type { SessionRecord, Slot } from './ports.ts'

/** OpenTelemetry's names, and a heartbeat of ours. */
export type SessionEventType = 'session.start' | 'session.heartbeat' | 'session.end'

export interface SessionClock {
  /** Empty when none is live. */
  readonly id: string
  /** Something happened: keeps the session alive, or begins one. */
  active(): SessionRecord
  /** Something small happened, maybe hundreds of times a second. */
  stirred(): void
  /** Says that the session goes on. */
  beat(): void
  /** Every heartbeat's time: beats when there was activity since the last, from any tab. */
  tick(): void
  end(): void
  /** From here on it is this user's; a session of another user ends. */
  identify(user: string): void
}

export interface SessionClockOptions {
  slot: Slot<SessionRecord>
  now(): number
  newId(): string
  idleMs: number
  heartbeatMs: number
  emit(type: SessionEventType, record: SessionRecord): void
}

/** Small activity is written down no more often than this. */
const stirMs = 1_000

/** When a session begins, goes on and is over. What is live is decided by the record alone, which all tabs share. */
export function createSessionClock({ slot, now, newId, idleMs, heartbeatMs, emit }: SessionClockOptions): SessionClock {
  let stirredAt = 0
  const live = () => {
    const record = slot.load()
    return record?.session && Math.abs(now() - record.seen) < idleMs ? record : undefined
  }
  const save = (record: SessionRecord) => {
    slot.save(record)
    return record
  }
  const active = () => {
    const at = now()
    const record = live()
    if (record) return save({ ...record, seen: at })
    const begun = save({
      session: newId(),
      user: slot.load()?.user ?? `anonymous-${newId()}`,
      seen: at,
      beat: at
    })
    emit('session.start', begun)
    return begun
  }
  const beat = (record: SessionRecord) => emit('session.heartbeat', save({ ...record, beat: now() }))
  const end = () => {
    const record = live()
    if (!record) return
    emit('session.end', record)
    save({ ...record, session: '' })
  }
  return {
    get id() {
      return live()?.session ?? ''
    },
    active,
    stirred() {
      if (Math.abs(now() - stirredAt) < stirMs) return
      stirredAt = now()
      active()
    },
    beat: () => beat(active()),
    tick() {
      const record = live()
      // A little less than the whole time, because tabs do not tick together.
      if (record && record.seen > record.beat && now() - record.beat >= heartbeatMs * 0.9) beat(record)
    },
    end,
    identify(user) {
      if (slot.load()?.user === user) return
      end()
      save({ session: '', user, seen: now(), beat: now() })
    }
  }
}
