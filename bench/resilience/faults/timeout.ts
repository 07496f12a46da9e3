import { held, type Trial, watch } from './trial.ts'

export const oneTimeout: Trial = {
  title: "a time-out aborts its own call only, says who fired, and looks different from the caller's abort",
  async run({ library, clock, make, check }) {
    const subject = make({ timeoutMs: 100 })
    const [early, late] = [held(), held()]
    const first = watch(clock, subject.run(early.work))
    await clock.flow(50)
    watch(clock, subject.run(late.work))
    await clock.flow(50)
    check(first.state === 'failed', 'its caller is not answered in time')
    check(early.signal()?.aborted === true, 'its function is not told')
    check(late.signal()?.aborted !== true, "another call's signal is aborted too")
    const reason = early.signal()?.reason as { message?: string } | undefined
    check(/time|within/i.test(String(reason?.message)), `the signal's reason says "${reason?.message}"`)

    if (library.lacks.signal !== undefined) {
      check(false, library.lacks.signal)
      return
    }
    const caller = new AbortController()
    const gone = new Error('the caller has gone')
    const given = watch(clock, subject.run(held().work, { signal: caller.signal }))
    await clock.flow(10)
    caller.abort(gone)
    await clock.flow(0)
    const { message } = (given.error ?? {}) as { message?: string }
    check(!/timed out|timeout/i.test(String(message)), `the caller's own abort is answered with "${message}"`)
  }
}
