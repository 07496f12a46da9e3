import { fails, type Trial, watch } from './trial.ts'

export const abortInBackOff: Trial = {
  title: 'an abort in a back-off rejects at once, and the function is not called again',
  needs: ['retry'],
  async run({ clock, make, check }) {
    const subject = make({ retry: { attempts: 3, delayMs: 1_000 } })
    const caller = new AbortController()
    let calls = 0
    const down = () => {
      calls++
      return fails({ signal: undefined })
    }
    const call = watch(clock, subject.run(down, { signal: caller.signal }))
    await clock.flow(10)
    caller.abort(new Error('gone'))
    await clock.flow(0)
    check(call.state === 'failed', 'the caller still waits')
    await clock.flow(10_000)
    check(call.at === 10, `the caller is answered ${call.at! - 10} ms later`)
    check(calls === 1, `the function is called ${calls} times`)
  }
}

const CALLS = 5_000

export const retryStorm: Trial = {
  title: 'three layers of three tries make at most 1.2 times the load; Retry-After is kept; delays at the cap spread',
  needs: ['retry'],
  wants: ['retryAfter'],
  async run({ library, clock, make, check }) {
    const layers = ['edge', 'middle', 'core'].map(() => make({ retry: { attempts: 3, baseMs: 10, maxMs: 1_000 } }))
    let load = 0
    const down = () => {
      load++
      return Promise.reject(new Error('down'))
    }
    for (let i = 0; i < CALLS; i++) {
      watch(
        clock,
        layers[0]!.run(() => layers[1]!.run(() => layers[2]!.run(down)))
      )
      if (i % 20 === 0) await clock.flow(20)
    }
    await clock.flow(60_000)
    // Ours gives a few retries a second whatever the load: here they are under a hundredth of it.
    check(load / CALLS < 1.21, `${(load / CALLS).toFixed(2)} times the load`)

    const times: number[] = []
    const busy = () => {
      times.push(clock.now())
      return Promise.reject(Object.assign(new Error('busy'), { retryAfterMs: 5_000 }))
    }
    watch(clock, make({ retry: { attempts: 2, baseMs: 10, maxMs: 1_000 } }).run(busy))
    await clock.flow(60_000)
    const waited = (times[1] ?? Number.NaN) - times[0]!
    if (library.lacks.retryAfter === undefined) check(waited >= 5_000, `asked to wait 5 s it waits ${waited} ms`)

    check((await shareAtOneInstant({ clock, make })) <= 0.1, 'many delays at the cap are the same')
  }
}

/** Of 200 callers that fail together ten times, the share whose last delay is the same to the millisecond. */
async function shareAtOneInstant({
  clock,
  make
}: Pick<Parameters<Trial['run']>[0], 'clock' | 'make'>): Promise<number> {
  const delays: number[] = []
  for (let caller = 0; caller < 200; caller++) {
    const subject = make({ retry: { attempts: 3, baseMs: 1_000, maxMs: 1_000 } })
    const times: number[] = []
    watch(
      clock,
      subject.run(() => {
        times.push(clock.now())
        return Promise.reject(new Error('down'))
      })
    )
    await clock.flow(5_000)
    if (times.length === 3) delays.push(Math.round(times[2]! - times[1]!))
  }
  const counts = new Map<number, number>()
  for (const delay of delays) counts.set(delay, (counts.get(delay) ?? 0) + 1)
  return Math.max(...counts.values()) / delays.length
}
