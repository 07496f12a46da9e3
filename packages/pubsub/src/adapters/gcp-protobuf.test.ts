import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { decode, encode } from './gcp-protobuf.ts'

describe('the protocol buffers of Pub/Sub', () => {
  it('are the bytes that the protocol’s own documents have for its examples', () => {
    assert.equal(encode([[1, 150]]).toString('hex'), '089601')
    assert.equal(encode([[2, 'testing']]).toString('hex'), '120774657374696e67')
    assert.equal(encode([[3, [[1, 150]]]]).toString('hex'), '1a03089601')
  })

  it('keep text of any kind and length', () => {
    const texts = ['', 'plain', 'é', 'plain, then 漢字', 'x'.repeat(200), `${'x'.repeat(127)}😀`]
    const bytes = encode(texts.map(text => [1, text]))
    assert.deepEqual(
      [...decode(bytes)].map(([, value]) => String(value)),
      texts
    )
  })

  it('pass over fields that are not known, and refuse what breaks off', () => {
    const fixed = [(4 << 3) | 1, 1, 2, 3, 4, 5, 6, 7, 8, (5 << 3) | 5, 1, 2, 3, 4]
    assert.deepEqual([...decode(Buffer.from([...fixed, 8, 1]))], [[1, 1]])
    for (const broken of [[8, 0x80], [10, 5, 1], [8, ...Array(12).fill(0xff)], [(1 << 3) | 3]]) {
      assert.throws(() => [...decode(Buffer.from(broken))], RangeError)
    }
  })
})
