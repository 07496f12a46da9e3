import { fails, type Trial, times, watch, works } from './trial.ts'

const OPEN_MS = 5_000

export const idleWindow: Trial = {
  title: 'failures of ten idle minutes ago weigh nothing, and a step of the wall clock changes nothing',
  async run({ clock, make, check }) {
    const breaker = { minimumCalls: 20, openMs: OPEN_MS }
    const idle = make({ breaker })
    await times(idle, 19, fails)
    await clock.flow(600_000)
    await times(idle, 6, fails)
    await times(idle, 14, works)
    check(idle.state() === 'closed', `6 failures of 20 calls, after ten idle minutes, make it ${idle.state()}`)

    for (const [hours, say] of [
      [1, 'forward'],
      [-1, 'back']
    ] as const) {
      const stepped = make({ breaker })
      await times(stepped, 30, fails)
      clock.stepWall(hours * 3_600_000)
      const early = watch(clock, stepped.run(works))
      await clock.flow(0)
      check(early.state === 'failed', `an hour ${say}, and an open breaker lets a call in at once`)
      await clock.flow(OPEN_MS + 1)
      const due = watch(clock, stepped.run(works))
      await clock.flow(0)
      check(due.state === 'ok', `an hour ${say}, and an open breaker refuses calls when its time is over`)
    }
  }
}
