import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import zlib from 'node:zlib'
import { Problem } from '@plimsoll/http'
import { limits } from '../limits.ts'
import { clockCorrection, decodeBody, parseEvents, unreadable } from './body.ts'

const problemOf = (status: number, code: string) => (error: unknown) => {
  assert.ok(error instanceof Problem, `${error}`)
  assert.deepEqual([error.status, error.code], [status, code])
  return true
}

const text = JSON.stringify([{ id: 'x', note: 'ü'.repeat(5_000) }])
const encoders: Record<string, (body: Buffer) => Buffer> = {
  gzip: body => zlib.gzipSync(body),
  'x-gzip': body => zlib.gzipSync(body),
  deflate: body => zlib.deflateSync(body),
  br: body => zlib.brotliCompressSync(body, { params: { [zlib.constants.BROTLI_PARAM_QUALITY]: 5 } }),
  zstd: body => zlib.zstdCompressSync(body)
}

describe('Content-Encoding', () => {
  it('is undone for gzip, deflate, br and zstd, named in any case', async () => {
    for (const [name, encode] of Object.entries(encoders)) {
      const body = encode(Buffer.from(text))
      assert.equal((await decodeBody(body, name)).toString(), text, name)
      assert.equal((await decodeBody(body, ` ${name.toUpperCase()}`)).toString(), text, name)
    }
  })

  it('may be absent or say that there is none', async () => {
    for (const header of [undefined, '', 'identity', 'Identity']) {
      assert.equal((await decodeBody(Buffer.from(text), header)).toString(), text)
    }
  })

  it('is refused with 415 when it is none of these', async () => {
    // `constructor` and its like are properties of every object, and no encodings.
    for (const header of ['compress', 'gzip, br', 'constructor', 'toString', '__proto__', 'x'.repeat(5_000)]) {
      await assert.rejects(decodeBody(Buffer.from(text), header), problemOf(415, 'unsupported_encoding'), header)
    }
  })

  it('is refused with 400 when the body is not so encoded, or is cut short', async () => {
    for (const [name, encode] of Object.entries(encoders)) {
      const whole = encode(Buffer.from(text))
      for (const body of [Buffer.alloc(0), Buffer.from(text), whole.subarray(0, whole.length - 4)]) {
        await assert.rejects(decodeBody(body, name), problemOf(400, 'malformed_encoding'), name)
      }
    }
  })

  it('lets a body decode to the limit and not beyond', async () => {
    for (const [name, encode] of Object.entries(encoders)) {
      const most = encode(Buffer.alloc(limits.decodedBytes, 32))
      assert.equal((await decodeBody(most, name)).length, limits.decodedBytes, name)
      const more = encode(Buffer.alloc(limits.decodedBytes + 1, 32))
      await assert.rejects(decodeBody(more, name), problemOf(413, 'decoded_too_large'), name)
    }
  })

  it('costs no more memory than the limit, whatever a bomb would grow to', async () => {
    const bombs = Object.entries(encoders).map(([name, encode]) => [name, encode(Buffer.alloc(50_000_000))] as const)
    const before = process.memoryUsage()
    for (let i = 0; i < 5; i++) {
      for (const [name, bomb] of bombs) {
        await assert.rejects(decodeBody(bomb, name), problemOf(413, 'decoded_too_large'), name)
      }
    }
    const after = process.memoryUsage()
    const grown = after.external + after.heapUsed - before.external - before.heapUsed
    // 25 bombs of 50 MB. What is not yet collected of the 5 MB that each may have become is all there is.
    assert.ok(grown < 25 * limits.decodedBytes + 20_000_000, `${Math.round(grown / 1e6)} MB more`)
  })

  it('refuses a zstd window of more than 8 MB, as RFC 9659 has it', async () => {
    const wide = zlib.zstdCompressSync(Buffer.alloc(20_000_000), {
      params: { [zlib.constants.ZSTD_c_windowLog]: 27, [zlib.constants.ZSTD_c_compressionLevel]: 1 }
    })
    await assert.rejects(decodeBody(wide, 'zstd'), problemOf(400, 'malformed_encoding'))
  })
})

describe('the events of a body', () => {
  it('are one object, or the items of an array', () => {
    assert.deepEqual(parseEvents('{"a":1}', false), [{ a: 1 }])
    assert.deepEqual(parseEvents('[{"a":1},7,null]', false), [{ a: 1 }, 7, null])
  })

  it('are the lines that hold something, however they end', () => {
    assert.deepEqual(parseEvents('{"a":1}\n\n  \r\n{"b":2}\r\n[3]', true), [{ a: 1 }, { b: 2 }, [3]])
  })

  it('keep their places when a line is not JSON', () => {
    assert.deepEqual(parseEvents('{"a":1}\n{"b":\n{"c":3}\n', true), [{ a: 1 }, unreadable, { c: 3 }])
  })

  it('are refused whole when nothing is JSON', () => {
    assert.throws(() => parseEvents('{"a":', false), problemOf(400, 'malformed_json'))
    assert.throws(() => parseEvents('{"a":1}\n{"b":2}', false), problemOf(400, 'malformed_json'))
    assert.throws(() => parseEvents('nothing\nof this', true), problemOf(400, 'malformed_json'))
  })

  it('are refused with the place of the fault and without the words around it', () => {
    assert.throws(
      () => parseEvents('[{"a":1},\n {"password":"hunter2" oops}]', false),
      (error: Problem) => {
        assert.match(error.detail, /line 2, column 24/)
        assert.doesNotMatch(error.detail, /hunter2|oops/)
        return true
      }
    )
  })

  it('are refused when JSON is neither an object nor an array', () => {
    for (const body of ['7', '"x"', 'null', 'true']) {
      assert.throws(() => parseEvents(body, false), problemOf(400, 'invalid_request'))
    }
  })

  it('are at least one', () => {
    assert.throws(() => parseEvents('[]', false), problemOf(400, 'empty_request'))
    for (const body of ['', '\n \r\n']) assert.throws(() => parseEvents(body, true), problemOf(400, 'empty_request'))
  })

  it('are at most 500', () => {
    const array = (n: number) => `[${Array(n).fill('{}').join(',')}]`
    const lines = (n: number) => '{}\n'.repeat(n)
    assert.equal(parseEvents(array(limits.events), false).length, limits.events)
    assert.equal(parseEvents(lines(limits.events), true).length, limits.events)
    assert.throws(() => parseEvents(array(limits.events + 1), false), problemOf(413, 'too_many_events'))
    assert.throws(() => parseEvents(lines(limits.events + 1), true), problemOf(413, 'too_many_events'))
    assert.throws(() => parseEvents('{}\n'.repeat(1_000_000), true), problemOf(413, 'too_many_events'))
  })

  it('may be nested deeper than the call stack: that is for the judge of each event', () => {
    const deep = `${'['.repeat(1_000_000)}${']'.repeat(1_000_000)}`
    assert.equal(parseEvents(deep, false).length, 1)
    assert.throws(() => parseEvents(deep.slice(0, -1), false), problemOf(400, 'malformed_json'))
  })
})

describe('the correction of a clock', () => {
  const receivedAt = Date.UTC(2026, 4, 17, 12)
  const sent = (off: number) => clockCorrection(new Date(receivedAt - off).toISOString(), receivedAt)

  it('is what X-Sent-At is off by, when that is more than a delay explains', () => {
    assert.equal(clockCorrection(undefined, receivedAt), 0)
    assert.equal(sent(limits.skewMs), 0)
    assert.equal(sent(-limits.skewMs), 0)
    assert.equal(sent(limits.skewMs + 1), limits.skewMs + 1)
    assert.equal(sent(-3_600_000), -3_600_000)
    assert.equal(clockCorrection(String(receivedAt - 60_000), receivedAt), 60_000)
  })

  it('is not guessed from what is no time: that would move every event', () => {
    for (const header of [
      '',
      'now',
      '1',
      '2026',
      String(Math.floor(receivedAt / 1000)),
      '2026-05-17',
      '99999999999999'
    ]) {
      assert.throws(() => clockCorrection(header, receivedAt), problemOf(400, 'invalid_sent_at'), header)
    }
  })
})
