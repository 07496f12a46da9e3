import type { Health } from '@plimsoll/health'
import type { Report } from '@plimsoll/service-watcher'
import pino from 'pino'
import { openBlackBox } from './black-box/open.ts'
import { watchedBy } from './black-box/watching.ts'
import { DataDirectory } from './data-directory.ts'
import { runDemo } from './demo/run.ts'
import { demoSeed } from './demo-seed.ts'
import { type Patient, startOwnHealth } from './health.ts'
import { startObservability } from './observability/observability.ts'
import { type Platform, startPlatform } from './platform.ts'
import type { Settings } from './settings.ts'

/** The platform process. Its watcher forks it, sends the settings, and hears from it twice a second. */

interface Start {
  settings: Settings
  consoleDist: string | undefined
  /** Where the watcher answers. */
  watcherUrl?: string
}

/** How often the watcher hears from us, in milliseconds. */
const beatMs = 500
/** Exit code for "could not start": a matter for people, not for another try. */
const cannotStart = 2

const report = (message: Report) => {
  if (process.connected) process.send!(message)
}

async function main({ settings, consoleDist, watcherUrl }: Start): Promise<void> {
  const observability = await startObservability(settings, 'plimsoll')
  const logger = pino(
    {
      level: settings.logLevel,
      base: null,
      mixin: observability.logFields,
      redact: ['req.headers.authorization', 'req.headers.cookie']
    },
    pino.destination(2)
  )
  const startedAt = performance.now()
  const data = new DataDirectory(settings.data)
  const blackBox = openBlackBox(data, settings, logger)
  const patient: Patient = {}
  let health: Health
  let platform: Platform
  try {
    health = await startOwnHealth(settings, logger, patient)
    platform = await startPlatform({
      settings,
      data,
      logger,
      consoleDist,
      watcherUrl,
      patient,
      observability,
      watching: watchedBy(blackBox)
    })
  } catch (error) {
    logger.fatal({ err: error }, 'cannot start')
    blackBox.failed('start', error)
    blackBox.close()
    report({ kind: 'cannot-start', message: (error as Error).message })
    // Whatever was begun and holds the process: it cannot start, and its watcher must see it end. The report goes first.
    process.exitCode = cannotStart
    setTimeout(() => process.exit(cannotStart), 1_000).unref()
    process.disconnect?.()
    return
  }
  const demo = new AbortController()
  let beats: NodeJS.Timeout | undefined
  let closing = false
  const close = async (why: string, code: number) => {
    if (closing) return
    closing = true
    clearInterval(beats)
    demo.abort()
    logger.info({ why }, 'closing')
    blackBox.happened('close', { detail: { why, code } })
    const { cutOff } = await health.drain({
      readyDelayMs: settings.drainDelayMs,
      timeoutMs: settings.drainDelayMs + settings.drainTimeoutMs,
      close: { platform: () => platform.close() }
    })
    for (const what of cutOff) logger.error({ what }, 'cut off while closing')
    await observability.close()
    await health.close()
    blackBox.close()
    process.exit(code)
  }
  for (const signal of ['SIGTERM', 'SIGINT'] as const)
    process.on(signal, () => {
      blackBox.happened('signal', { subject: signal })
      void close(signal, 0)
    })
  // Without its watcher nobody would restart it or say why it died: it stops, cleanly, and can be started again.
  process.on('disconnect', () => void close('the watcher is gone', 0))
  // It may have gone while we started, unheard.
  if (!process.connected) return close('the watcher is gone', 0)

  health.started()
  blackBox.happened('ready', { detail: { after: Math.round(performance.now() - startedAt) } })
  const { url, metadataUrl } = platform
  data.writeAddresses({ url, metadataUrl, healthUrl: health.url, pid: process.pid })
  report({ kind: 'ready', url, healthUrl: health.url, signInLink: platform.signInLink() })

  const beat = async () => {
    const projects = await platform.projects()
    report({
      kind: 'beat',
      state: { ...platform.snapshot(), projects, dashboards: platform.dashboards(projects) }
    })
  }
  await beat()
  beats = setInterval(() => void beat().catch(error => logger.warn({ err: error }, 'no beat')), beatMs)

  if (settings.demo && (await platform.isEmpty())) {
    void runDemo({
      url: () => platform.url,
      token: data.adminToken,
      project: 'demo',
      seed: demoSeed,
      days: 7,
      sessionsPerDay: 400,
      live: true,
      signal: demo.signal
    }).catch(error => logger.warn({ err: error }, 'the demo ended'))
  }

  void platform.storeLost.then(why => close(`a store is gone: ${why?.message ?? 'closed'}`, 1))
}

process.once('message', message => void main((message as { start: Start }).start))
