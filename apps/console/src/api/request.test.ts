import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type ApiProblem, createReader } from './request.ts'

interface Seen {
  url: string
  etag: string | null
}

/** A platform that answers from a list, and notes what it was asked. */
function platform(answers: (() => Response)[]): { send: typeof fetch; seen: Seen[] } {
  const seen: Seen[] = []
  const send: typeof fetch = async (url, init) => {
    seen.push({ url: String(url), etag: new Headers(init?.headers).get('if-none-match') })
    const next = answers.shift()
    if (next === undefined) throw new TypeError('connection refused')
    return next()
  }
  return { send, seen }
}

const signal = new AbortController().signal
const tagged = (data: unknown, etag: string) => () => Response.json(data, { headers: { etag } })

test('an unchanged answer is the one already held', async () => {
  const { send, seen } = platform([tagged({ sessions: 3 }, '"a"'), () => new Response(null, { status: 304 })])
  const read = createReader<{ sessions: number }>(send)
  const first = await read('/v1/dashboard?project=x', signal)
  const second = await read('/v1/dashboard?project=x', signal)
  assert.equal(second.data, first.data)
  assert.deepEqual(
    seen.map(({ etag }) => etag),
    [null, '"a"']
  )
})

test('another question never carries the tag of the former one', async () => {
  const { send, seen } = platform([tagged(1, '"a"'), tagged(2, '"b"')])
  const read = createReader<number>(send)
  await read('/one', signal)
  assert.equal((await read('/two', signal)).data, 2)
  assert.equal(seen[1]?.etag, null)
})

test('a refusal keeps its code, its detail and how long to stay away', async () => {
  const refusal = () =>
    Response.json(
      { code: 'overloaded', title: 'Busy', detail: 'Try later.' },
      { status: 503, headers: { 'retry-after': '4' } }
    )
  const read = createReader(platform([refusal]).send)
  await assert.rejects(read('/x', signal), (error: ApiProblem) => {
    assert.deepEqual(
      [error.status, error.code, error.message, error.retryAfterMs],
      [503, 'overloaded', 'Try later.', 4000]
    )
    return true
  })
})

test('no answer, and an answer that is not JSON, are problems too', async () => {
  await assert.rejects(createReader(platform([]).send)('/x', signal), { code: 'unreachable', status: 0 })
  await assert.rejects(createReader(platform([() => new Response('<html>')]).send)('/x', signal), { code: 'not_json' })
})
