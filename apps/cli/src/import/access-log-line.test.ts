import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { parseAccessLogLine } from './access-log-line.ts'

const time = '03/Feb/2021:04:05:06 +0000'
const common = `192.0.2.7 - - [${time}] "GET /harbour/map?zoom=3 HTTP/1.1" 200 512`

const codeOf = (line: string) => {
  const read = parseAccessLogLine(line)
  return 'code' in read ? read.code : 'read'
}
const read = (line: string) => {
  const result = parseAccessLogLine(line)
  assert.ok(!('code' in result), `refused: ${JSON.stringify(result)}`)
  return result
}
const timed = (text: string) => read(common.replace(time, text)).time.toISOString()

test('a Common line', () => {
  assert.deepEqual(read(common), {
    address: '192.0.2.7',
    time: new Date('2021-02-03T04:05:06Z'),
    method: 'GET',
    path: '/harbour/map?zoom=3',
    status: 200,
    bytes: 512
  })
})

test('a Combined line has a referrer and a user agent, or a dash for none', () => {
  const full = read(`${common} "https://example.org/" "Sextant/2.1 (brass)"`)
  assert.deepEqual([full.referrer, full.userAgent], ['https://example.org/', 'Sextant/2.1 (brass)'])
  const empty = read(`${common} "-" "-"`)
  assert.ok(!('referrer' in empty) && !('userAgent' in empty))
})

test('a quote inside a field is written with a backslash', () => {
  assert.equal(read(`${common} "-" "the \\"Mary\\" \\\\ \\x41"`).userAgent, 'the "Mary" \\ \\x41')
  assert.equal(read(common.replace('/harbour/map?zoom=3', '/a\\"b')).path, '/a"b')
})

test('a user with spaces and an IPv6 address are fine', () => {
  const line = read(common.replace('192.0.2.7 - -', '2001:db8::7 - ann of the sea'))
  assert.equal(line.address, '2001:db8::7')
})

test('no body is a dash', () => assert.equal(read(common.replace('512', '-')).bytes, 0))

test('the time has its own offset', () => {
  assert.equal(timed('03/Feb/2021:04:05:06 +0230'), '2021-02-03T01:35:06.000Z')
  assert.equal(timed('31/Dec/2020:23:30:00 -0100'), '2021-01-01T00:30:00.000Z')
  assert.equal(timed('29/Feb/2024:00:00:00 +0000'), '2024-02-29T00:00:00.000Z')
})

test('a time that does not exist is refused', () => {
  const wrong = ['31/Jun/2021:04:05:06 +0000', '29/Feb/2021:04:05:06 +0000', '03/Fev/2021:04:05:06 +0000']
  const outside = ['03/Feb/2021:24:05:06 +0000', '03/Feb/2021:04:60:06 +0000', '03/Feb/2021:04:05:06 +1500']
  const early = ['01/Jan/1970:00:00:00 +0100', '03/Feb/1969:04:05:06 +0000', '2021-02-03T04:05:06Z', '']
  for (const text of [...wrong, ...outside, ...early])
    assert.equal(codeOf(common.replace(time, text)), 'malformed_time', text)
})

test('a line that was cut short is refused wherever the cut is', () => {
  const whole = `${common} "https://example.org/" "Sextant/2.1"`
  for (let length = 0; length < whole.length; length++) {
    const cut = whole.slice(0, length)
    // Only two cuts leave a line that cannot be told from a whole one: a Common line, and its size with digits missing.
    const looksWhole = /" 200 \d+$/.test(cut)
    assert.equal(codeOf(cut) === 'read', looksWhole, cut)
  }
})

test('what goes on after the last field is refused', () => {
  for (const more of [' ', ' x', ' "-"', ' "-" "-" "-"', ' "-" "-"x', ' "-""-"'])
    assert.equal(codeOf(common + more), 'malformed_line')
})

test('a request that is not one has a code of its own', () => {
  for (const text of ['-', '', 'GET', 'GET /', 'GET / HTTP', 'GET /a b HTTP/1.1', '\\x16\\x03\\x01', ' / HTTP/1.1']) {
    assert.equal(codeOf(common.replace(/"GET.*1"/, () => `"${text}"`)), 'malformed_request', text)
  }
})

test('a status is from 100 to 599', () => {
  for (const status of ['000', '600', '-']) assert.equal(codeOf(common.replace('200', status)), 'malformed_status')
  for (const status of ['20', '2000', 'abc']) assert.equal(codeOf(common.replace('200', status)), 'malformed_line')
})

test('a line beyond the limit is refused', () => {
  assert.equal(codeOf(`${common} "-" "${'x'.repeat(32 * 1024)}"`), 'line_too_long')
})

test('any text at all is read or refused, and soon', () => {
  const pieces = fc.constantFrom(
    ' ',
    '"',
    '\\',
    '[',
    ']',
    ' "',
    '" ',
    '-',
    time,
    'GET / HTTP/1.1',
    '200',
    common,
    'é',
    '\0'
  )
  fc.assert(
    fc.property(fc.array(pieces, { maxLength: 30 }), parts => {
      const result = parseAccessLogLine(parts.join(''))
      assert.ok('code' in result || result.time.getTime() >= 0)
    })
  )
  for (const piece of ['\\', '"', ' "', '[', ' [', '" ', '- ']) {
    const began = process.cpuUsage().user
    codeOf(`a - - [${time}] "${piece.repeat(10_000)}`)
    codeOf(piece.repeat(10_000))
    assert.ok(process.cpuUsage().user - began < 200_000, `${piece} took long`)
  }
})
