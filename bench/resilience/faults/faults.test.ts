import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { plimsoll } from './plimsoll.ts'
import { judge } from './trial.ts'
import { trials } from './trials.ts'

describe('what breaks in other libraries', () => {
  for (const trial of trials.filter(({ measures }) => !measures)) {
    it(trial.title, async () => assert.deepEqual(await judge(trial, plimsoll), { kind: 'passed' }))
  }
})
