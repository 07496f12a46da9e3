import { histogram } from '@plimsoll/sketches'
import { type BodyOptions, bodyMaker } from './bodies.ts'
import { Connection } from './connection.ts'

/** The generator's own process: takes its orders from the parent, sends load, and reports once a second and at the end. */

export interface LoadOrder extends BodyOptions {
  host: string
  port: number
  path: string
  headers: Record<string, string>
  connections: number
  durationMs: number
  /** Stops after so many requests, if that is sooner. */
  requests?: number
  /** Requests a second over all connections; absent = each connection sends as soon as it is answered. */
  rate?: number
  /** A client's patience, in milliseconds: then it hangs up. Absent = it waits for ever. */
  timeoutMs?: number
  /** How often it then sends the same again, at once, on a new connection; 503 counts too. Default 0. */
  retries?: number
}

export interface LoadReport {
  seconds: number
  requests: number
  events: number
  /** Requests answered 2xx. */
  ok: number
  statuses: Record<string, number>
  failures: number
  /** Times that the same was sent again. */
  retried: number
  /** Answers that contain `"enrichment":"unknown"`. */
  unknown: number
  latency: { p50: number; p95: number; p99: number; max: number }
  /**
   * Requests answered 2xx in each second of the run, the events in them, and how long all of that second's took and how
   * long those answered 2xx (histograms in base64).
   */
  perSecond: { ok: number; events: number; latency: string; okLatency: string }[]
}

type Histogram = ReturnType<typeof histogram.empty>

const unknownMark = Buffer.from('"enrichment":"unknown"')

async function run(order: LoadOrder): Promise<LoadReport> {
  const make = bodyMaker(order)
  const head = [`POST ${order.path} HTTP/1.1`, `host: ${order.host}:${order.port}`, 'content-type: application/json']
  for (const [name, value] of Object.entries(order.headers)) head.push(`${name}: ${value}`)
  const prefix = `${head.join('\r\n')}\r\n`
  const startedAt = performance.now()
  const endAt = startedAt + order.durationMs
  const all = histogram.empty()
  const seconds: { ok: number; events: number; latency: Histogram; okLatency: Histogram }[] = []
  const report: LoadReport = {
    seconds: 0,
    requests: 0,
    events: 0,
    ok: 0,
    statuses: {},
    failures: 0,
    retried: 0,
    unknown: 0,
    latency: { p50: 0, p95: 0, p99: 0, max: 0 },
    perSecond: []
  }
  let max = 0
  let begun = 0
  // With a rate, requests are due at fixed times and their latency counts from then, so that a stall is not hidden.
  const interval = order.rate ? 1000 / order.rate : 0
  let nextDue = startedAt
  const due = async (): Promise<number> => {
    if (interval === 0) return performance.now()
    const mine = nextDue
    nextDue += interval
    const wait = mine - performance.now()
    if (wait > 1) await new Promise(resolve => setTimeout(resolve, wait))
    return mine
  }

  const one = async () => {
    let connection: Connection | undefined
    while (performance.now() < endAt && begun < (order.requests ?? Number.POSITIVE_INFINITY)) {
      begun++
      const at = await due()
      if (at >= endAt) break
      const { text, events, key } = make()
      const keyLine = key === undefined ? '' : `idempotency-key: ${key}\r\n`
      const request = `${prefix}${keyLine}content-length: ${Buffer.byteLength(text)}\r\n\r\n${text}`
      const send = async () => {
        if (!connection?.usable) connection = await Connection.open(order.host, order.port)
        if (order.timeoutMs === undefined) return connection.send(request)
        const mine = connection
        const hangUp = setTimeout(() => mine.close(), order.timeoutMs)
        return mine.send(request).finally(() => clearTimeout(hangUp))
      }
      const sendUntilTaken = async () => {
        for (let left = order.retries ?? 0; ; left--) {
          try {
            const answer = await send()
            if (answer.status !== 503 || left === 0) return answer
          } catch (error) {
            connection?.close()
            connection = undefined
            if (left === 0) throw error
          }
          report.retried++
        }
      }
      try {
        const { status, body } = await sendUntilTaken()
        // Sent up to a millisecond before it was due, and answered at once.
        const ms = Math.max(0, performance.now() - at)
        const second = Math.floor((performance.now() - startedAt) / 1000)
        seconds[second] ??= { ok: 0, events: 0, latency: histogram.empty(), okLatency: histogram.empty() }
        report.requests++
        report.statuses[status] = (report.statuses[status] ?? 0) + 1
        histogram.record(all, ms)
        histogram.record(seconds[second].latency, ms)
        max = Math.max(max, ms)
        if (status >= 200 && status < 300) {
          report.ok++
          report.events += events
          seconds[second].ok++
          seconds[second].events += events
          histogram.record(seconds[second].okLatency, ms)
          if (body.includes(unknownMark)) report.unknown++
        }
      } catch {
        report.failures++
        connection?.close()
        connection = undefined
        await new Promise(resolve => setTimeout(resolve, 50))
      }
    }
    connection?.close()
  }
  await Promise.all(Array.from({ length: order.connections }, one))
  report.seconds = (performance.now() - startedAt) / 1000
  const at = (h: typeof all, q: number) => Math.round((histogram.quantile(h, q) ?? 0) * 100) / 100
  report.latency = { p50: at(all, 0.5), p95: at(all, 0.95), p99: at(all, 0.99), max: Math.round(max * 100) / 100 }
  report.perSecond = Array.from(seconds, s => ({
    ok: s?.ok ?? 0,
    events: s?.events ?? 0,
    latency: Buffer.from(histogram.encode(s?.latency ?? histogram.empty())).toString('base64'),
    okLatency: Buffer.from(histogram.encode(s?.okLatency ?? histogram.empty())).toString('base64')
  }))
  return report
}

process.once('message', order => {
  void run(order as LoadOrder).then(report => process.send!(report, () => process.exit(0)))
})
