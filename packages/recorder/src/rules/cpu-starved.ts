import type { Rule } from '../diagnosis/rule.ts'
import { mean, median, points, quantile, stretch, together, within } from './reading.ts'
import { share, time, was } from './words.ts'

/** Nearly all of the machine. */
const busy = 0.95
/** What others must take more than they usually do, as a share of the machine. */
const more = 0.2

export const cpuStarved: Rule = {
  name: 'cpu-starved',
  about: 'Other programs of the machine take the processors, and the platform waits for one.',
  explains: ['store-slow', 'overload', 'retry-storm', 'event-loop-blocked', 'subscriber-slow', 'subscriber-dead'],
  // A process that is short of time reads answers late.
  explainsLater: ['slow-dependency', 'hanging-dependency'],
  lever: {
    name: 'bulkhead between programs',
    action:
      'See who takes them (`top -o %CPU`), and stop or tame it: `renice 19 -p PID`, or CPUQuota in its service. Else give the platform a machine or cores of its own.',
    page: 'docs/patterns/bulkhead.md'
  },
  find(timeline) {
    const machine = points(timeline, 'cpu.machine')
    const own = points(timeline, 'cpu.process')
    const cores = points(timeline, 'cpu.cores').at(-1)?.value
    // Without it nobody knows which share of the machine is ours.
    if (cores === undefined) return []
    const others = together(machine, own, (all, ours) => Math.max(0, all - ours / cores))
    const full = together(others, machine, (theirs, all) => (all >= busy ? theirs : 0))
    const found = stretch(timeline, full, theirs => theirs >= 0.5, { forMs: 4_000 })
    if (!found) return []
    // Where it has always been so, it is what this machine is like; the limits tell of it.
    const usual = median(within(others, 0, found.since - 1_000))
    const now = median(found.points)!
    if (usual === undefined || found.before.length < 8 || now < usual + more) return []
    const delays = points(timeline, 'loop.delay.p99')
    const delay = quantile(within(delays, found.since), 0.7) ?? 0
    const usualDelay = quantile(within(delays, 0, found.since - 1_000), 0.5)
    const stall = mean(within(points(timeline, 'pressure.cpu'), found.since))
    const usualStall = mean(within(points(timeline, 'pressure.cpu'), 0, found.since - 1_000))
    // The threads of the stores wait longer than the main loop, which sleeps most of the time and so comes first when it wakes.
    const threads = points(timeline, 'cpu.waiting')
    const waiting = mean(within(threads, found.since))
    const usualWaiting = mean(within(threads, 0, found.since - 1_000))
    const waits =
      delay >= Math.max(60, 2 * (usualDelay ?? 30)) ||
      (stall >= 0.5 && delay >= 30 && stall >= 1.5 * usualStall) ||
      (waiting >= 0.7 && waiting >= 2 * usualWaiting)
    if (!waits) return []
    return [
      {
        subject: 'processors',
        title: 'Other programs take the processors of this machine, and the platform waits for them',
        evidence: [
          {
            at: found.since,
            text: `others take ${share(now)} of the machine${was(share(usual))}`,
            series: 'cpu.machine',
            now,
            before: usual
          },
          ...(waiting > 0
            ? [
                {
                  at: found.since,
                  text: `${waiting.toFixed(1)} of our threads wait for a processor at any time${was(usualWaiting.toFixed(1))}`,
                  series: 'cpu.waiting',
                  now: waiting,
                  before: usualWaiting
                }
              ]
            : []),
          {
            at: found.since,
            text: `a turn of our main loop waits ${time(delay)} at p99${was(usualDelay === undefined ? undefined : time(usualDelay))}`,
            series: 'loop.delay.p99',
            now: delay,
            ...(usualDelay === undefined ? {} : { before: usualDelay })
          }
        ],
        cost: 'Everything is slower, and part of what is offered may be refused with a time to come back. Nothing acknowledged is lost.',
        since: found.since,
        ...(found.until === undefined ? {} : { until: found.until })
      }
    ]
  }
}
