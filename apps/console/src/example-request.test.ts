import assert from 'node:assert/strict'
import { test } from 'node:test'
import { exampleRequest, shellWord, uuidv7 } from './example-request.ts'

const random = Uint8Array.from({ length: 32 }, () => 0xff)

test('the id is a UUIDv7 that carries the time', () => {
  // The example of RFC 9562, appendix A.6, with all random bits set.
  assert.equal(uuidv7(0x017f22e279b0, random), '017f22e2-79b0-7fff-bfff-ffffffffffff')
})

test('the line can be pasted into a shell: one quoted JSON body, and a placeholder for the key', () => {
  const line = exampleRequest('http://localhost:7000', 0x017f22e279b0, random)
  const body = JSON.parse(/-d '([^']*)'/.exec(line)?.[1] ?? '')
  assert.equal(body.type, 'session.start')
  assert.match(line, /^curl http:\/\/localhost:7000\/v1\/events \\\n/)
  assert.match(line, /Bearer YOUR_WRITE_KEY/)
})

test('a name from the address cannot become a command', () => {
  assert.equal(shellWord('shop-eu.1'), 'shop-eu.1')
  assert.equal(shellWord('x; rm -rf ~'), "'x; rm -rf ~'")
  assert.equal(shellWord("a'b"), "'a'\\''b'")
})
