import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import type { Diagnosis } from '@plimsoll/recorder'
import { Alerts, type AlertsOptions } from './alerts.ts'
import type { Channel } from './channel.ts'

export const noon = Date.UTC(2026, 10, 28, 12)
export const ill: Diagnosis = {
  at: noon,
  state: 'degraded',
  summary: 'metadata answers slowly.',
  causes: [
    {
      rule: 'slow-dependency',
      subject: 'metadata',
      title: 'metadata answers slowly',
      evidence: [{ at: noon, text: 'answers take 812 ms' }],
      cost: 'Sessions are stored as unknown.',
      lever: { name: 'circuit breaker', action: 'It opens by itself.', page: 'docs/patterns/circuit-breaker.md' },
      since: noon,
      symptoms: []
    }
  ],
  limits: [],
  lastHeard: {}
}
export const well: Diagnosis = { ...ill, state: 'healthy', causes: [] }

/** Alerts over a clock that the test moves on, with a file that outlives them. */
export function alerting(t: TestContext, channels: Channel[], over: Partial<AlertsOptions> = {}) {
  const folder = mkdtempSync(join(tmpdir(), 'plimsoll-alerts-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  let now = noon
  const errors: string[] = []
  const file = join(folder, 'incidents.json')
  const start = () =>
    new Alerts({
      file,
      channels,
      page: 'http://127.0.0.1:7071/',
      now: () => now,
      random: () => 1,
      onError: error => errors.push((error as Error).message),
      ...over
    })
  let alerts = start()
  return {
    file,
    errors,
    get alerts() {
      return alerts
    },
    /** The watcher starts again, on what it kept. */
    restart() {
      alerts = start()
    },
    /** Looks every five seconds for so long, and sends what is due at each look. */
    async see(diagnosis: Diagnosis, seconds: number) {
      for (let passed = 0; passed < seconds; passed += 5) {
        now += 5_000
        alerts.observe(diagnosis)
        await alerts.deliver()
      }
    }
  }
}
