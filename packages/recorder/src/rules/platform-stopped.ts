import type { Rule } from '../diagnosis/rule.ts'
import { highest, points, stretch, within } from './reading.ts'
import { time } from './words.ts'

export const platformStopped: Rule = {
  name: 'platform-stopped',
  about: 'The platform’s process was stopped by a signal and does not run, though it is there.',
  explains: [
    'event-loop-blocked',
    'slow-dependency',
    'hanging-dependency',
    'overload',
    'retry-storm',
    'store-slow',
    'cpu-starved',
    'subscriber-slow',
    'subscriber-dead'
  ],
  lever: {
    name: 'health endpoint and restart',
    action:
      'Let it go on with `kill -CONT PID` (the PID is in platform.json of the data folder), or end it with `kill -9 PID`: the watcher starts it again in seconds and nothing acknowledged is lost.',
    page: 'docs/patterns/health.md'
  },
  find(timeline) {
    const found = stretch(timeline, points(timeline, 'platform.stopped'), value => value > 0, {
      forMs: 2_000,
      source: 'watcher'
    })
    if (!found) return []
    const silent = highest(within(points(timeline, 'platform.silent'), found.since))
    return [
      {
        subject: 'platform',
        title: 'The platform’s process is stopped by a signal (SIGSTOP): it is there and does not run',
        evidence: [
          {
            at: found.since,
            text: `the system lists its process as stopped; it has been silent for ${time(silent)}`,
            series: 'platform.stopped',
            before: 0,
            now: 1
          }
        ],
        cost: 'No request is answered. What was acknowledged is stored, and clients send the rest again.',
        since: found.since,
        ...(found.until === undefined ? {} : { until: found.until })
      }
    ]
  }
}
