import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { chaosOptions } from './options.ts'

describe('options of a chaos run', () => {
  it('are those of every run, and some more', () => {
    const { note: _, ...options } = chaosOptions([
      '--quick',
      '--seed',
      '7',
      '--seconds=90',
      '--store',
      'postgres',
      '--broker',
      'nats',
      '--json'
    ])
    assert.deepEqual(options, { quick: true, json: true, seed: 7, seconds: 90, store: 'postgres', broker: 'nats' })
  })
  it('are refused when they are none', () => {
    for (const args of [['--seconds', 'soon'], ['--store', 'mysql'], ['--seed', 'x'], ['--slow']])
      assert.throws(() => chaosOptions(args))
  })
})
