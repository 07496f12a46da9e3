import { problemOfError } from '@plimsoll/http'
import { histogram } from '@plimsoll/sketches'
import type { FastifyInstance } from 'fastify'
import type { BlackBox } from './black-box.ts'

/** Watches every request of `app` as `http.*`. Before routes are registered: hooks hold for those that come after. */
export function watchHttp(app: FastifyInstance, blackBox: BlackBox): void {
  let running = 0
  let requests = 0
  let refused = 0
  let failed = 0
  let denied = 0
  let abandoned = 0
  let times = histogram.empty()

  app.addHook('onRequest', (_request, reply, done) => {
    running++
    // Also where the client hung up and no response was ever finished.
    reply.raw.once('close', () => {
      running--
      if (!reply.raw.writableFinished) abandoned++
    })
    done()
  })
  app.addHook('onResponse', (_request, { statusCode, elapsedTime }, done) => {
    requests++
    if (statusCode === 429 || statusCode === 503) refused++
    else if (statusCode >= 500) failed++
    else if (statusCode === 401 || statusCode === 403) denied++
    histogram.record(times, Math.max(0, elapsedTime))
    done()
  })
  app.addHook('onError', (_request, _reply, error, done) => {
    // What no client is told in words is a failure of our own; a refusal has its reason in its code.
    const { status } = problemOfError(error) ?? { status: 500 }
    if (status >= 500) blackBox.failed('http', error)
    done()
  })
  blackBox.add(() => {
    const figures: Record<string, number> = {
      'http.requests': requests,
      'http.refused': refused,
      'http.failed': failed,
      'http.denied': denied,
      'http.abandoned': abandoned,
      'http.running': running
    }
    const p50 = histogram.quantile(times, 0.5)
    const p99 = histogram.quantile(times, 0.99)
    if (p50 !== null && p99 !== null) Object.assign(figures, { 'http.p50': p50, 'http.p99': p99 })
    requests = refused = failed = denied = abandoned = 0
    times = histogram.empty()
    return figures
  })
}
