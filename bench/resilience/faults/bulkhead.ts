import { held, type Trial, times, type Watched, watch, works } from './trial.ts'

export const ownRefusals: Trial = {
  title: 'a bulkhead that is full 1,000 times leaves the breaker closed, with a failure rate of 0',
  async run({ clock, make, check }) {
    const subject = make({
      breaker: { minimumCalls: 10, openMs: 5_000 },
      bulkhead: { concurrency: 1, queue: 0 }
    })
    const running = held<string>()
    const first = watch(clock, subject.run(running.work))
    await times(subject, 1_000, works)
    const rate = subject.failureRate()
    check(rate === null || rate === 0, `its failure rate is ${rate?.toFixed(3)}`)
    check(subject.state() === 'closed', `its breaker is ${subject.state()}`)
    running.resolve('done')
    await clock.flow(0)
    check(first.state === 'ok', `the call that ran is ${first.state}`)
  }
}

export const heldSlots: Trial = {
  title: 'a timed-out call that still runs holds its slot',
  async run({ clock, make, check }) {
    const subject = make({ bulkhead: { concurrency: 2, queue: 0 }, timeoutMs: 100 })
    const deaf = [held(), held(), held()]
    const calls = deaf.slice(0, 2).map(({ work }) => watch(clock, subject.run(work)))
    await clock.flow(150)
    check(
      calls.every(({ state }) => state === 'failed'),
      'their callers are not answered in time'
    )
    watch(clock, subject.run(deaf[2]!.work))
    await clock.flow(0)
    const running = deaf.reduce((sum, { begun }) => sum + begun(), 0)
    check(running === 2, `${running} run at once where 2 may`)
  }
}

export const fairQueue: Trial = {
  title: 'first come first served, and by priority; no waiter is passed over; one that leaves frees its place',
  needs: ['queue'],
  wants: ['priority'],
  async run({ library, clock, make, check }) {
    await microtaskArrivals({ library, clock, make, check })
    await leaving({ library, clock, make, check })
    if (library.lacks.priority !== undefined) return
    const subject = make({ bulkhead: { concurrency: 1, queue: 3 } })
    const running = held()
    const order: string[] = []
    const note = (name: string) => async () => void order.push(name)
    watch(clock, subject.run(running.work))
    watch(clock, subject.run(note('sheddable'), { priority: 'sheddable' }))
    watch(clock, subject.run(note('normal')))
    watch(clock, subject.run(note('critical'), { priority: 'critical' }))
    running.resolve(undefined)
    await clock.flow(0)
    check(order.join() === 'critical,normal,sheddable', `served in the order ${order.join()}`)
  }
}

/** Callers come in every microtask just as a slot comes free. */
async function microtaskArrivals({ clock, make, check }: Parameters<Trial['run']>[0]): Promise<void> {
  const subject = make({ bulkhead: { concurrency: 1, queue: 2 } })
  const running = held()
  const order: string[] = []
  const named = (name: string) => () => {
    order.push(name)
    return Promise.resolve()
  }
  watch(clock, subject.run(running.work))
  const waiters: Watched<unknown>[] = ['first', 'second'].map(name => watch(clock, subject.run(named(name))))
  running.resolve(undefined)
  for (let i = 0; i < 30; i++) {
    watch(clock, subject.run(named('newcomer')))
    await null
  }
  await clock.flow(0)
  const refused = waiters.filter(({ state }) => state !== 'ok').length
  check(refused === 0, `${refused} of 2 who waited are refused while newcomers are let in`)
  check(order[0] === 'first' && order[1] === 'second', `served in the order ${order.slice(0, 3).join(', ')}`)
}

async function leaving({ clock, make, check }: Parameters<Trial['run']>[0]): Promise<void> {
  const subject = make({ bulkhead: { concurrency: 1, queue: 1 } })
  const running = held()
  const caller = new AbortController()
  watch(clock, subject.run(running.work))
  const waiter = watch(clock, subject.run(works, { signal: caller.signal }))
  await clock.flow(0)
  caller.abort(new Error('gone'))
  await clock.flow(0)
  check(waiter.state === 'failed', 'one who gives up waiting is not answered until a slot is free')
  const next = watch(clock, subject.run(works))
  await clock.flow(0)
  check(next.state === 'pending', 'the place of one who gave up stays taken')
  running.resolve(undefined)
  await clock.flow(0)
}
