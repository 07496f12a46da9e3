import type { Rule } from '../diagnosis/rule.ts'
import { time } from './words.ts'

/** Services that keep the time move it by less, in milliseconds. */
const jumpMs = 2_000

export const clockJump: Rule = {
  name: 'clock-jump',
  about: 'The clock of the machine was set to another time at once.',
  explains: ['subscriber-slow', 'expired'],
  lever: {
    name: 'time from a time server',
    action:
      'Look whether it is wrong still (`timedatectl status`, `chronyc tracking`), set it right (`chronyc makestep`) and keep it so by a time server. Events whose time is refused can be sent again afterwards: each is counted once.',
    page: 'docs/patterns/idempotency.md'
  },
  find(timeline) {
    const jumps = (['platform', 'watcher'] as const)
      .flatMap(source => [
        ...timeline.usual.series('clock.jump', source),
        ...timeline.recent.series('clock.jump', source)
      ])
      .filter(({ value }) => Math.abs(value) >= jumpMs)
    // Judged by the order of writing: after a jump the times around it mean little.
    const recent = [...timeline.recent.samples('platform'), ...timeline.recent.samples('watcher')].some(
      ({ values }) => Math.abs(values['clock.jump'] ?? 0) >= jumpMs
    )
    if (!recent || jumps.length === 0) return []
    const largest = jumps.reduce((one, other) => (Math.abs(other.value) > Math.abs(one.value) ? other : one))
    return [
      {
        subject: 'clock',
        title: `The clock of the machine jumped ${largest.value > 0 ? 'forward' : 'back'} by ${time(Math.abs(largest.value))}`,
        evidence: [
          {
            at: largest.at,
            text: `in one second the clock moved by ${time(largest.value + 1_000)}, measured beside one that cannot be set`,
            series: 'clock.jump',
            before: 0,
            now: largest.value
          }
        ],
        cost: 'Times that were written since are wrong by as much, and events can be refused as too new or too old. Counting, order and timeouts use no such clock and are right.',
        since: largest.at,
        // What is wrong since stays wrong; the jump itself is over.
        ...(timeline.at - largest.at > 6_000 ? { until: largest.at + 1_000 } : {})
      }
    ]
  }
}
