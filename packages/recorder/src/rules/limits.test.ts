import assert from 'node:assert/strict'
import { test } from 'node:test'
import { diagnose } from '../diagnosis/diagnose.ts'
import { Tape } from './tape.ts'

const day = 86_400_000

/** What is said of a certificate that has so many days left, of those that count. */
function saidOf(days: number, span = 30) {
  const values = (second: number) => ({
    'expiry.metadata': days * day - second * 1_000,
    'expiry.metadata.span': span * day
  })
  const tape = new Tape().seconds(180, values)
  const { limits, causes } = diagnose(tape.records)
  assert.deepEqual(causes, [])
  const found = limits.find(({ what }) => what === 'last days of the certificate of metadata')
  return found && { share: found.share, endsInDays: found.reachedAt && (found.reachedAt - tape.at) / day }
}

test('a certificate is near its end in its last thirty days, and it is told when that is', () => {
  const { share, endsInDays } = saidOf(6)!
  assert.ok(Math.abs(share - 0.8) < 0.001, String(share))
  assert.ok(Math.abs(endsInDays! - 6) < 0.1, String(endsInDays))
  assert.equal(saidOf(200), undefined)
})

test('one that lives for a day is not near its end all its life', () => {
  assert.ok(Math.abs(saidOf(0.5, 1)!.share - 0.5) < 0.01)
})

test('one that has ended, and that nobody minds, is past its limit', () => {
  assert.ok(saidOf(-3)!.share > 1)
})
