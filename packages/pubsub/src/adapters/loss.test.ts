import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { Loss } from './loss.ts'

const lost = new Error('the connection is lost')
const never = () => new Promise<string>(() => undefined)

describe('the loss of a connection', () => {
  it('changes nothing for a call that is answered, and keeps nothing of it', async () => {
    const loss = new Loss()
    assert.equal(await loss.orLost(Promise.resolve('answer')), 'answer')
    await assert.rejects(loss.orLost(Promise.reject(new Error('refused'))), /refused/)
    assert.equal(loss.waiting, 0)
  })

  it('gives up all that wait, and what is asked until it is mended', async () => {
    const loss = new Loss()
    const waiting = [loss.orLost(never()), loss.orLost(never())]
    assert.equal(loss.waiting, 2)
    loss.lose(lost)
    for (const each of waiting) await assert.rejects(each, lost)
    await assert.rejects(loss.orLost(never()), lost)
    assert.equal(loss.waiting, 0)
    loss.mend()
    assert.equal(await loss.orLost(Promise.resolve('again')), 'again')
  })

  it('is not disturbed by an answer that comes late', async () => {
    const loss = new Loss()
    const late = Promise.withResolvers<string>()
    const call = loss.orLost(late.promise)
    loss.lose(lost)
    late.reject(new Error('too late'))
    await assert.rejects(call, lost)
    await assert.rejects(loss.orLost(Promise.reject(new Error('refused'))), lost)
  })
})
