import { createHash } from 'node:crypto'
import type { Answer, AnswerHeaders } from '../answer.ts'
import { LeaseLostError } from '../errors.ts'
import type { IdempotencyStore, Lease, Reservation, Scope } from '../store.ts'

/** What is used of a client: the `redis` package has it in this form. */
export interface RedisClient {
  eval(script: string, options: { keys: string[]; arguments: string[] }): Promise<unknown>
}

export interface RedisStoreOptions {
  /** Before each key. Default `idempotency:`. */
  prefix?: string
  /** Milliseconds since 1970, in place of the server's own clock. For tests. */
  now?: () => number
}

// One hash a key, changed by scripts alone: a script is one step for all others. The server's clock is the one clock.
// The fence is the time in microseconds, or one more than the last: it goes up even when a forgotten key is new again.
const clock = `local t = tonumber(ARGV[1])
if not t then local s = redis.call('TIME') t = s[1] * 1000 + math.floor(s[2] / 1000) end
local r = redis.call('HMGET', KEYS[1], 'fence', 'fingerprint', 'leased', 'expires', 'status', 'attempt')
local fence, leased, expires = r[1], tonumber(r[3]), tonumber(r[4])
`

const reserve = `${clock}
local lease, ttl = tonumber(ARGV[3]), tonumber(ARGV[4])
local attempt = 1
if fence and expires > t and r[2] ~= '' then
  if r[2] ~= ARGV[2] then return {'mismatch'} end
  if r[5] then
    return {'replay', r[5], redis.call('HGET', KEYS[1], 'headers'), redis.call('HGET', KEYS[1], 'body')}
  end
  if leased > t then return {'in-flight', tostring(leased - t)} end
  attempt = r[6] + 1
end
local next = math.max(t * 1000, (tonumber(fence) or 0) + 1)
local text = string.format('%.0f', next)
redis.call('DEL', KEYS[1])
redis.call('HSET', KEYS[1], 'fence', text, 'fingerprint', ARGV[2], 'leased', t + lease, 'expires', t + ttl,
  'attempt', attempt)
redis.call('PEXPIRE', KEYS[1], math.ceil(ttl))
return {'started', text, tostring(attempt)}`

const mine = `if fence ~= ARGV[2] or r[2] == '' or r[5] then return 0 end
`

const renew = `${clock}${mine}
local lease = tonumber(ARGV[3])
redis.call('HSET', KEYS[1], 'leased', t + lease, 'expires', math.max(expires, t + lease))
if redis.call('PTTL', KEYS[1]) < lease then redis.call('PEXPIRE', KEYS[1], math.ceil(lease)) end
return 1`

const complete = `${clock}${mine}
redis.call('HSET', KEYS[1], 'status', ARGV[3], 'headers', ARGV[4], 'body', ARGV[5], 'expires', t + ARGV[6])
redis.call('PEXPIRE', KEYS[1], math.ceil(ARGV[6]))
return 1`

const release = `${clock}${mine}
redis.call('HSET', KEYS[1], 'fingerprint', '')
return 1`

/**
 * Records in Redis 5 or newer, for handlers whose change is elsewhere. The promise is weaker: the change and the record are
 * not one transaction. A process that dies between the two does its change again on the retry, a late owner is refused but
 * what it did stays, and a server that loses writes (without `appendonly yes` and `appendfsync always`, or at a fail-over)
 * forgets keys. Give `fence` to what is changed, or use the handler's own database.
 */
export function redisStore(client: RedisClient, options: RedisStoreOptions = {}): IdempotencyStore<undefined> {
  const { prefix = 'idempotency:', now } = options
  const run = (script: string, scope: Scope, ...rest: (string | number)[]) => {
    const name = createHash('sha256')
      .update(JSON.stringify([scope.tenant, scope.route, scope.key]))
      .digest('base64url')
    const time = now === undefined ? '' : String(now())
    return client.eval(script, { keys: [`${prefix}${name}`], arguments: [time, ...rest.map(String)] })
  }
  const owned = (script: string, lease: Lease, ...rest: (string | number)[]) =>
    run(script, lease, lease.fence, ...rest).then(done => done === 1)

  return {
    atomic: false,
    async reserve({ tenant, route, key, fingerprint, leaseMs, ttlMs }) {
      const scope = { tenant, route, key }
      return reservationOf(scope, (await run(reserve, scope, fingerprint, leaseMs, ttlMs)) as string[])
    },
    renew: (lease, leaseMs) => owned(renew, lease, leaseMs),
    async settle(lease, ttlMs, work) {
      const { status, headers, body } = await work(undefined)
      // As text: clients differ in how they hand over bytes.
      const kept = [status, JSON.stringify(headers), body.toString('base64'), ttlMs]
      if (!(await owned(complete, lease, ...kept))) throw new LeaseLostError(lease.fence)
    },
    async release(lease) {
      await owned(release, lease)
    },
    transaction: work => work(undefined),
    /** The server forgets by itself what is past its time. */
    sweep: async () => 0
  }
}

function reservationOf(scope: Scope, [kind, ...rest]: string[]): Reservation {
  const [first = '', second = '', third = ''] = rest
  if (kind === 'started') {
    return { kind, lease: { ...scope, fence: Number(first), attempt: Number(second) } }
  }
  if (kind === 'replay') {
    const answer: Answer = {
      status: Number(first),
      headers: JSON.parse(second) as AnswerHeaders,
      body: Buffer.from(third, 'base64')
    }
    return { kind, answer }
  }
  return kind === 'in-flight' ? { kind, leftMs: Number(first) } : { kind: 'mismatch' }
}
