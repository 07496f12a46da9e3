import { fails, held, type Trial, times, watch, works } from './trial.ts'

const OPEN_MS = 5_000

export const oldGenerations: Trial = {
  title: 'a late failure and a late success of an older generation leave half-open alone',
  async run({ clock, make, check }) {
    for (const late of ['failure', 'success'] as const) {
      const subject = make({ breaker: { minimumCalls: 10, openMs: OPEN_MS } })
      const old = held<string>()
      const probe = held<string>()
      watch(clock, subject.run(old.work))
      await times(subject, 30, fails)
      await clock.flow(OPEN_MS + 1)
      const probed = watch(clock, subject.run(probe.work))
      await clock.flow(0)
      check(subject.state() === 'half-open', `is ${subject.state()} and not half-open with a probe out`)
      if (late === 'failure') old.reject(new Error('late'))
      else old.resolve('late')
      await clock.flow(0)
      check(subject.state() === 'half-open', `a late ${late} makes it ${subject.state()}`)
      probe.resolve('well')
      await clock.flow(0)
      check(probed.state === 'ok', `the probe's caller is ${probed.state}`)
    }
  }
}

export const hungProbe: Trial = {
  title: 'while a probe hangs the others are refused at once, and half-open ends',
  async run({ clock, make, check }) {
    const subject = make({ breaker: { minimumCalls: 10, openMs: OPEN_MS }, timeoutMs: 2_000 })
    await times(subject, 30, fails)
    await clock.flow(OPEN_MS + 1)
    watch(clock, subject.run(held().work))
    await clock.flow(0)
    const surplus = Array.from({ length: 10 }, () => watch(clock, subject.run(works)))
    await clock.flow(0)
    const waiting = surplus.filter(({ state }) => state === 'pending').length
    check(waiting === 0, `${waiting} of 10 others wait for the probe`)
    const let_in = surplus.filter(({ state }) => state === 'ok').length
    check(let_in === 0, `${let_in} of 10 others are let in`)
    await clock.flow(2_000)
    check(subject.state() !== 'half-open', 'is still half-open when the probe has timed out')
    await clock.flow(OPEN_MS + 1)
    await times(subject, 1, works)
    check(subject.state() === 'closed', `is ${subject.state()} after a probe that went well`)
  }
}
