import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { allowedOrigins, parseOrigins } from './origins.ts'

describe('the origins whose pages may post', () => {
  it('are any, none, or a list, with commas or as an array', () => {
    assert.equal(parseOrigins('*'), '*')
    assert.equal(parseOrigins('none'), 'none')
    const two = ['https://shop.example', 'http://localhost:3000']
    assert.deepEqual(parseOrigins('https://shop.example, http://localhost:3000'), two)
    assert.deepEqual(parseOrigins(two), two)
    assert.deepEqual(parseOrigins([...two, ...two]), two, 'each once')
    assert.deepEqual(parseOrigins('http://[::1]:8080,https://xn--bcher-kva.example'), [
      'http://[::1]:8080',
      'https://xn--bcher-kva.example'
    ])
  })

  it('are told to the service as a list, or as nothing where any may', () => {
    assert.equal(allowedOrigins('*'), undefined)
    assert.deepEqual(allowedOrigins('none'), [])
    assert.deepEqual(allowedOrigins(['https://shop.example']), ['https://shop.example'])
  })

  it('are spelt as a browser spells them, or the complaint says how', () => {
    for (const [written, meant] of [
      ['https://shop.example/', 'https://shop.example'],
      ['https://shop.example/page?x=1', 'https://shop.example'],
      ['https://Shop.Example', 'https://shop.example'],
      ['HTTPS://shop.example', 'https://shop.example'],
      ['https://shop.example:443', 'https://shop.example'],
      ['http://ann:secret@shop.example', 'http://shop.example'],
      ['https://bücher.example', 'https://xn--bcher-kva.example']
    ] as const) {
      assert.throws(
        () => parseOrigins(`http://localhost,${written}`),
        (error: Error) => error instanceof RangeError && error.message.includes(`; ${meant} is one`),
        written
      )
    }
  })

  it('are nothing else', () => {
    const no = [
      'shop.example',
      'null',
      'ftp://shop.example',
      'file:///x',
      'https://*.example',
      'https://*',
      '//shop.example'
    ]
    for (const value of no) assert.throws(() => parseOrigins(value), /must be a list of origins; each is http/, value)
    for (const value of ['', ' ', ',', 'https://a.example,', [], ['']]) {
      assert.throws(() => parseOrigins(value), /must be \*, none, or at most 100 origins/)
    }
    for (const value of [7, null, true, {}]) assert.throws(() => parseOrigins(value), RangeError)
    assert.throws(() => parseOrigins([7]), /no text/)
    const many = Array.from({ length: 101 }, (_, n) => `https://shop-${n}.example`)
    assert.throws(() => parseOrigins(many), /at most 100/)
    assert.equal(parseOrigins(many.slice(1)).length, 100)
  })
})
