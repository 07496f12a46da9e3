import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { after, before, test } from 'node:test'

const folder = mkdtempSync(join(tmpdir(), 'plimsoll-test-run-'))
after(() => rmSync(folder, { recursive: true, force: true }))

const program = `
  import { runFiles } from '${import.meta.resolve('./test-run.ts')}'
  import { compactReport, skipLine } from '${import.meta.resolve('./test-report.ts')}'
  import { pipeline } from 'node:stream/promises'
  const [timeout, ...files] = process.argv.slice(2)
  const options = { concurrency: 2, fileTimeoutMs: Number(timeout), env: process.env, signal: new AbortController().signal }
  async function* skips(events) {
    for await (const event of events) {
      if (event.type === 'test:pass' && skipLine(event.data)) console.log('skip: ' + skipLine(event.data))
      yield event
    }
  }
  await pipeline(skips(runFiles(files, options)), compactReport, process.stdout, { end: false })
`

/** The report of a run over files with these texts, in a process of its own: the runner refuses to run inside itself. */
async function reportOf(timeoutMs: number, ...sources: string[]): Promise<string> {
  const files = sources.map((source, index) => {
    const path = join(folder, `${index}.test.ts`)
    writeFileSync(path, `import { describe, test } from 'node:test'\n${source}`)
    return path
  })
  const { NODE_TEST_CONTEXT: _, ...env } = process.env
  const child = spawn(process.execPath, [join(folder, 'program.ts'), String(timeoutMs), ...files], {
    cwd: folder,
    env,
    stdio: ['ignore', 'pipe', 'inherit']
  })
  return text(child.stdout)
}

before(() => writeFileSync(join(folder, 'program.ts'), program))

test('the totals of all files are added up once', async () => {
  const report = await reportOf(
    60_000,
    `test('a', () => {})\ntest('b', () => {})`,
    `test('c', () => {})`,
    `test('d', () => { throw new Error('broken plank') })`
  )
  assert.match(report, /^# tests 4\n/m)
  assert.match(report, /^# pass 3\n/m)
  assert.match(report, /^# fail 1\n/m)
  assert.equal(report.match(/^# tests/gm)?.length, 1)
  assert.match(report, /^not ok d \(2\.test\.ts:2\)\n {4}Error: broken plank/m)
  assert.match(report, /^ok .* 0\.test\.ts \(2 tests\)/m)
})

test('a skipped test and a skipped suite are both named with their reason', async () => {
  const report = await reportOf(
    60_000,
    `test('a', { skip: 'no broker' }, () => {})\ndescribe('s', { skip: 'no cluster' }, () => test('b', () => {}))`
  )
  assert.match(report, /skip: .*0\.test\.ts: a: no broker/)
  assert.match(report, /skip: .*0\.test\.ts: s: no cluster/)
})

test('a file that never ends is stopped and has failed', async () => {
  const report = await reportOf(1_000, `test('a', () => {})\nsetInterval(() => {}, 1000)`)
  assert.match(report, /^not ok .*0\.test\.ts/m)
  assert.match(report, /^# cancelled 1\n/m)
})

test('what a file prints is shown when it fails, and only then', async () => {
  const report = await reportOf(
    60_000,
    `console.log('calm')\ntest('a', () => {})`,
    `console.log('storm')\ntest('b', () => { throw 1 })`
  )
  assert.match(report, /storm/)
  assert.doesNotMatch(report, /calm/)
})
