import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type DemoOptions, demoEvents, liveDemo } from './generator.ts'
import type { DemoEvent } from './session.ts'

// Monday to Monday.
const week: DemoOptions = {
  seed: 7,
  from: new Date('2026-03-02T00:00:00Z'),
  to: new Date('2026-03-09T00:00:00Z'),
  sessionsPerDay: 1500
}
const events = [...demoEvents(week)]
const starts = events.filter(({ type }) => type === 'session.start')
const uses = events.flatMap(event => (event.type === 'feature.used' ? [event] : []))

const share = <Item>(items: Item[], holds: (item: Item) => boolean) => items.filter(holds).length / items.length
const hourOf = ({ time }: DemoEvent) => Number(time.slice(11, 13))
const median = (values: number[]) => values.toSorted((a, b) => a - b)[values.length >> 1]!

test('the same seed gives the same week, to the byte; another seed another one', () => {
  const day = { ...week, to: new Date('2026-03-03T00:00:00Z') }
  assert.deepEqual([...demoEvents(day)], [...demoEvents(day)])
  assert.notDeepEqual([...demoEvents(day)].slice(0, 5), [...demoEvents({ ...day, seed: 8 })].slice(0, 5))
})

test('events come in order of time, and none is outside the range', () => {
  let last = ''
  for (const { time } of events) {
    assert.ok(time >= last)
    last = time
  }
  assert.ok(events[0]!.time >= week.from.toISOString())
  assert.ok(last < week.to.toISOString())
})

test('ids are unique, and hold the time of their event', () => {
  assert.equal(new Set(events.map(({ id }) => id)).size, events.length)
  for (const { id, time } of events) {
    assert.match(id, /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
    assert.equal(Number.parseInt(id.replace('-', '').slice(0, 12), 16), Date.parse(time))
  }
})

test('there are as many sessions as was asked for', () => {
  assert.ok(Math.abs(starts.length - 7 * 1500) < 500, `${starts.length} sessions`)
  assert.equal(new Set(events.map(({ session }) => session.id)).size, starts.length)
})

test('nights and weekends are quiet', () => {
  const night = share(starts, event => hourOf(event) < 6)
  const afternoon = share(starts, event => hourOf(event) >= 11 && hourOf(event) < 17)
  assert.ok(afternoon > 4 * night, `${afternoon} in the afternoon, ${night} at night`)
  const weekend = share(starts, ({ time }) => time >= '2026-03-07') / 2
  const weekday = share(starts, ({ time }) => time < '2026-03-07') / 5
  assert.ok(weekday > 1.8 * weekend && weekend > 0, `${weekday} a weekday, ${weekend} a day of the weekend`)
})

test('a session starts once and first, ends at most once and last, and has one user', () => {
  const sessions = Map.groupBy(events, ({ session }) => session.id)
  let ended = 0
  for (const session of sessions.values()) {
    const types = session.map(({ type }) => type)
    assert.equal(types.indexOf('session.start'), 0)
    assert.equal(types.lastIndexOf('session.start'), 0)
    const end = types.indexOf('session.end')
    if (end >= 0) {
      assert.equal(end, types.length - 1)
      ended++
    }
    assert.equal(new Set(session.map(({ user }) => user.id)).size, 1)
  }
  assert.ok(ended / sessions.size > 0.88 && ended / sessions.size < 0.96, `${ended / sessions.size} ended`)
})

test('heartbeats come each minute, from some of the sessions', () => {
  const beats = Map.groupBy(events, ({ type }) => type).get('session.heartbeat')!
  const startOf = new Map(starts.map(({ session, time }) => [session.id, Date.parse(time)]))
  for (const { session, time } of beats) assert.equal((Date.parse(time) - startOf.get(session.id)!) % 60_000, 0)
  assert.ok(new Set(beats.map(({ session }) => session.id)).size < starts.length / 4)
})

test('users are those of the demo directory, and some come far more often than others', () => {
  const visits = [...Map.groupBy(starts, ({ user }) => user.id).values()]
    .map(({ length }) => length)
    .sort((a, b) => b - a)
  for (const { user } of starts) assert.match(user.id, /^demo-user-00[01]\d{3}$/)
  assert.ok(visits.length > 1200 && visits.length <= 2000, `${visits.length} users`)
  assert.ok(visits[0]! > 10 * median(visits))
})

test('one feature is slow, and no duration is absurd', () => {
  const durations = (name: string) =>
    uses.filter(({ data }) => data.feature === name).map(({ data }) => data.durationMs)
  assert.ok(median(durations('report')) > 10 * median(durations('dashboard')))
  for (const { data } of uses)
    assert.ok(Number.isInteger(data.durationMs) && data.durationMs >= 1 && data.durationMs <= 30_000)
  assert.ok(new Set(uses.map(({ data }) => data.feature)).size >= 10)
})

test('few uses fail, except in one hour', () => {
  const failed = ({ data }: (typeof uses)[number]) => data.outcome !== 'ok'
  for (const { data } of uses) {
    const expected = data.status < 400 ? 'ok' : data.status < 500 ? 'client_error' : 'server_error'
    assert.equal(data.outcome, expected)
  }
  const hours = [...Map.groupBy(uses, ({ time }) => time.slice(0, 13))]
    .filter(([, { length }]) => length > 100)
    .map(([hour, { length }]) => ({
      hour,
      rate: share(
        uses.filter(({ time }) => time.startsWith(hour)),
        failed
      ),
      length
    }))
    .sort((a, b) => b.rate - a.rate)
  assert.ok(hours[0]!.rate > 2 * hours[1]!.rate, JSON.stringify(hours.slice(0, 3)))
  const usual = share(
    uses.filter(({ time }) => !time.startsWith(hours[0]!.hour)),
    failed
  )
  assert.ok(usual > 0.005 && usual < 0.04, `${usual}`)
})

test('no sessions, or no time, is no events', () => {
  assert.deepEqual([...demoEvents({ ...week, sessionsPerDay: 0 })], [])
  assert.deepEqual([...demoEvents({ ...week, to: week.from })], [])
})

const noon = Date.parse('2026-03-04T12:00:00Z')

function listen(live: ReturnType<typeof liveDemo>, fromMs: number, seconds: number): DemoEvent[] {
  return Array.from({ length: seconds }, (_, second) => live.next(fromMs + second * 1000)).flat()
}

test('live traffic is the same for the same seed and comes at its rate', () => {
  const heard = listen(liveDemo({ seed: 1, perSecond: 20 }), noon, 3600)
  assert.deepEqual(heard.slice(0, 100), listen(liveDemo({ seed: 1, perSecond: 20 }), noon, 3600).slice(0, 100))
  const lastHalf = heard.filter(({ time }) => Date.parse(time) >= noon + 1_800_000).length / 1800
  assert.ok(lastHalf > 17 && lastHalf < 23, `${lastHalf} events a second`)
  assert.equal(new Set(heard.map(({ id }) => id)).size, heard.length)
})

test('live events are never from the future and never older than the last call', () => {
  const live = liveDemo({ seed: 1, perSecond: 50 })
  for (let now = noon; now < noon + 60_000; now += 1000) {
    for (const { time } of live.next(now)) assert.ok(Date.parse(time) < now && Date.parse(time) >= now - 1000)
  }
})

test('after a long pause live traffic goes on, and does not catch up', () => {
  const live = liveDemo({ seed: 1, perSecond: 50 })
  listen(live, noon, 600)
  const later = noon + 8 * 3_600_000
  const started = live.next(later).filter(({ type }) => type === 'session.start')
  assert.ok(started.length < 100, `${started.length} sessions at once`)
  assert.deepEqual(live.next(later - 5000), [])
  assert.ok(live.next(later + 1000).length > 0)
})
