import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { check } from '../checks/check.ts'
import { Board } from './board.ts'
import { boardText, type CheckView } from './details.ts'

test('a second board on the same memory shows what the first was told', () => {
  const writer = new Board()
  const reader = new Board(writer.memory)
  assert.deepEqual(reader.state, { started: false, ready: false, draining: false })
  assert.deepEqual(reader.details, { notReady: '', checks: [] })

  writer.beat(123_456_789.25)
  writer.state = { started: true, ready: false, draining: true }
  writer.details = { notReady: 'loading', checks: [] }
  writer.countRestart()
  const figures = { delayP50Ms: 0.25, delayP99Ms: 12.5, delayMaxMs: 1_500, utilisation: 0.75 }
  writer.figures = { ...figures, heapUsedBytes: 3 * 1024, heapLimitBytes: 8 * 2 ** 30 }

  assert.equal(reader.lastBeatMs, 123_456_789.25)
  assert.deepEqual(reader.state, { started: true, ready: false, draining: true })
  assert.deepEqual(reader.details, { notReady: 'loading', checks: [] })
  assert.equal(reader.restarts, 1)
  assert.deepEqual(reader.figures, { ...figures, heapUsedBytes: 3 * 1024, heapLimitBytes: 8 * 2 ** 30 })
})

test('figures beyond the range of the board stay at its end', () => {
  const board = new Board()
  board.figures = {
    delayP50Ms: -1,
    delayP99Ms: Infinity,
    delayMaxMs: 1e12,
    utilisation: 1,
    heapUsedBytes: 1e18,
    heapLimitBytes: 0
  }
  const { delayP50Ms, delayP99Ms, delayMaxMs, heapUsedBytes } = board.figures
  assert.equal(delayP50Ms, 0)
  assert.ok(delayP99Ms === delayMaxMs && delayMaxMs > 2_000_000 && heapUsedBytes > 2 ** 40)
})

test('as many checks as there may be, each with the longest texts, fit', () => {
  const board = new Board()
  const worst = boardText('"\u{fffd}\ud800'.repeat(500))
  const name = `${'n'.repeat(60)}:${'m'.repeat(60)}`
  const { kind, readiness } = check({ name, kind: 'shared', readiness: 'fail', because: 'x', run: () => {} })
  const view: CheckView = {
    name,
    kind,
    readiness,
    because: worst,
    status: 'unknown',
    observedValue: worst.slice(0, 80),
    observedUnit: worst.slice(0, 20),
    output: worst,
    atMs: 123_456_789_012.123,
    runningSinceMs: 123_456_789_012.123,
    staleAfterMs: 123_456_789.123,
    failures: 1e15
  }
  board.details = { notReady: worst, checks: Array.from({ length: 64 }, () => view) }
  assert.equal(new Board(board.memory).details.checks.length, 64)
})

test('a text for the board is one line, well formed, and short', () => {
  assert.equal(boardText('connect\r\n\tECONNREFUSED'), 'connect ECONNREFUSED')
  assert.equal(boardText('x'.repeat(240)).length, 240)
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 600 }), fc.integer({ min: 1, max: 300 }), (text, longest) => {
      const line = boardText(text, longest)
      assert.ok(line.length <= longest && line.isWellFormed() && !/\p{Cc}/u.test(line))
    })
  )
})
