import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { openRecorder } from '@plimsoll/recorder'
import { Looker, type LookerOptions } from './looker.ts'

function looking(t: TestContext, over: Partial<LookerOptions> = {}) {
  const folder = mkdtempSync(join(tmpdir(), 'plimsoll-look-'))
  const directory = join(folder, 'recorder')
  const errors: unknown[] = []
  const looker = new Looker({ directory, patienceMs: 60_000, onError: error => errors.push(error), ...over })
  t.after(async () => {
    await looker.close()
    rmSync(folder, { recursive: true, force: true })
  })
  return { directory, looker, errors }
}
const module = (code: string) => new URL(`data:text/javascript,${encodeURIComponent(code)}`)

test('a look says what the records say, also while they are written', async t => {
  const { directory, looker } = looking(t, { freshMs: 0 })
  assert.equal((await looker.look())!.diagnosis.state, 'unknown', 'nothing was recorded yet')
  const recorder = openRecorder({ directory: join(directory, 'platform'), source: 'platform' })
  recorder.sample({ 'memory.rss': 50, 'memory.limit': 100 })
  const look = (await looker.look({ page: true }))!
  assert.equal(look.diagnosis.state, 'healthy')
  assert.match(look.page!.sections, /memory of the platform/)
  recorder.close()
})

test('many who ask share one look, and a fresh one is given again', async t => {
  let now = 1_000_000
  const counting = module(`import { parentPort } from 'node:worker_threads'
    let n = 0
    parentPort.on('message', ({ at, page }) => parentPort.postMessage({ at, page, n: ++n }))`)
  const { looker } = looking(t, { worker: counting, now: () => now })
  const looks = await Promise.all(Array.from({ length: 50 }, () => looker.look()))
  assert.deepEqual(new Set(looks.map(look => (look as unknown as { n: number }).n)), new Set([1]))
  now += 1_999
  assert.equal(((await looker.look()) as unknown as { n: number }).n, 1)
  now += 1
  assert.equal(((await looker.look()) as unknown as { n: number }).n, 2)
  const drawn = await Promise.all(Array.from({ length: 50 }, () => looker.look({ page: true })))
  assert.deepEqual(
    new Set(drawn.map(look => (look as unknown as { n: number }).n)),
    new Set([3]),
    'one is drawn for all'
  )
  assert.equal(((await looker.look()) as unknown as { n: number }).n, 3, 'and serves whoever wants no drawing')
})

test('a thread that dies or says nothing costs the look, and nothing else', async t => {
  const dying = looking(t, { worker: module('throw new Error("no")') })
  assert.equal(await dying.looker.look(), undefined)
  assert.match(String(dying.errors[0]), /no/)
  assert.equal(await dying.looker.look(), undefined, 'and is not started again at once')
  assert.equal(dying.errors.length, 1)
  const mute = looking(t, { worker: module('setInterval(() => undefined, 1_000_000)'), patienceMs: 1 })
  assert.equal(await mute.looker.look(), undefined)
})
