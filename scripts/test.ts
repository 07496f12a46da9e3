/**
 * `npm test [-- FILTER…] [--postgres | --postgres-18]`: every `*.test.ts` whose path contains one of the filters, two files at a time.
 *
 * A suite whose engine is absent skips itself and says so; with `CI=true` or `PLIMSOLL_FAIL_ON_SKIP=1` a skip is a
 * failure. `--postgres` runs those that meet a store with PLIMSOLL_DATABASE_URL set to a PostgreSQL of their own, Debian's;
 * `--postgres-18` to a PostgreSQL 18.
 * Exit code 1 when a test failed, 2 when the run could not start.
 */
import { pipeline } from 'node:stream/promises'
import { spec, type TestEvent } from 'node:test/reporters'
import { parseArgs } from 'node:util'
import { root } from './repository.ts'
import { filesThatMeetAStore, findTestFiles, selectTestFiles } from './test-files.ts'
import { compactReport, skipLine } from './test-report.ts'
import { runFiles } from './test-run.ts'
import { startThrowawayPostgres, type ThrowawayPostgres } from './throwaway-postgres.ts'

const minutes = 60_000

const { values, positionals } = parseArgs({
  options: { postgres: { type: 'boolean' }, 'postgres-18': { type: 'boolean' } },
  allowPositionals: true
})
process.chdir(root)
const onServer = values.postgres || values['postgres-18']
const found = findTestFiles(root)
// Who names a file gets it.
const files = selectTestFiles(onServer && positionals.length === 0 ? filesThatMeetAStore(found) : found, positionals)
if (files.length === 0) {
  console.error(`no test file matches ${positionals.join(' ') || 'at all'}`)
  process.exit(2)
}

let postgres: ThrowawayPostgres | undefined
if (onServer) {
  try {
    postgres = await startThrowawayPostgres(values['postgres-18'] ? 'postgresql-18' : 'postgresql')
  } catch (error) {
    console.error((error as Error).message)
    process.exit(2)
  }
  process.once('exit', postgres.stop)
  console.log(`store: ${postgres.url}`)
}

const interrupted = new AbortController()
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => {
    interrupted.abort()
    process.exit(1)
  })
}

const skipped: string[] = []
async function* watched(events: AsyncIterable<TestEvent>): AsyncGenerator<TestEvent> {
  for await (const event of events) {
    if (event.type === 'test:fail' && !event.data.todo) process.exitCode = 1
    const line = event.type === 'test:pass' || event.type === 'test:fail' ? skipLine(event.data) : undefined
    if (line !== undefined) skipped.push(line)
    yield event
  }
}

const events = runFiles(files, {
  concurrency: 2,
  fileTimeoutMs: 10 * minutes,
  env: { ...process.env, PLIMSOLL_TEST: '1', ...(postgres && { PLIMSOLL_DATABASE_URL: postgres.url }) },
  signal: interrupted.signal
})
const report = process.stdout.isTTY ? new spec() : compactReport
await pipeline(watched(events), report, process.stdout, { end: false })

if (skipped.length > 0) {
  const fails = process.env.CI === 'true' || process.env.PLIMSOLL_FAIL_ON_SKIP === '1'
  console.log(`\n${fails ? 'failed, because these were skipped' : 'skipped'}:`)
  for (const line of skipped) console.log(`  ${line}`)
  if (fails) process.exitCode = 1
}
