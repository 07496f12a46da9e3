import { relative } from 'node:path'
import type { TestEvent } from 'node:test/reporters'
import { inspect } from 'node:util'

type DataOf<Type extends TestEvent['type']> = Extract<TestEvent, { type: Type }>['data']

/** What a file may print before only its end is kept; it is shown when the file fails. */
const outputLimit = 64 << 10

/**
 * A reporter for logs: a line for each file, everything about what failed, and the runner's own closing totals.
 * What a file prints is shown only when it fails.
 */
export async function* compactReport(events: AsyncIterable<TestEvent>): AsyncGenerator<string> {
  const output = new Map<string, string>()
  const failed = new Set<string>()
  for await (const event of events) {
    if (event.type === 'test:stdout' || event.type === 'test:stderr') {
      const { file, message } = event.data
      output.set(file, ((output.get(file) ?? '') + message).slice(-outputLimit))
    } else if (event.type === 'test:fail') {
      if (event.data.file !== undefined) failed.add(event.data.file)
      yield failure(event.data)
    } else if (event.type === 'test:summary' && event.data.file !== undefined) {
      const { file, counts, duration_ms, success } = event.data
      const ok = success && !failed.has(file)
      const skipped = counts.skipped > 0 ? `, ${counts.skipped} skipped` : ''
      const seconds = (duration_ms / 1000).toFixed(1).padStart(6)
      yield `${ok ? 'ok    ' : 'not ok'} ${seconds} s  ${place(file)} (${counts.tests} tests${skipped})\n`
      if (!ok && output.has(file)) yield `${indent(`output of ${place(file)}:\n${output.get(file)}`)}\n`
      output.delete(file)
    } else if (event.type === 'test:diagnostic' && event.data.file === undefined) {
      yield `# ${event.data.message}\n`
    }
  }
}

function failure({ name, file, line, details }: DataOf<'test:fail'>): string {
  const error: Error & { failureType?: string } = details.error
  // A parent fails because a child did; the child has said why.
  if (error.failureType === 'subtestsFailed') return ''
  const where = file === undefined ? '' : ` (${place(file)}${line === undefined ? '' : `:${line}`})`
  return `not ok ${name}${where}\n${indent(withoutRunnerFrames(inspect(error.cause ?? error, { depth: 4 })))}\n`
}

/** The tests that did not run and why, one line each; a test is in here when its `skip` option or `t.skip()` said so. */
export function skipLine(data: DataOf<'test:pass' | 'test:fail'>): string | undefined {
  if (data.skip === undefined || data.skip === false) return
  const reason = typeof data.skip === 'string' && data.skip !== '' ? data.skip : 'no reason given'
  return `${data.file === undefined ? '' : `${place(data.file)}: `}${data.name}: ${reason}`
}

function withoutRunnerFrames(text: string): string {
  return text.replace(/^ +at .*\bnode:internal\/.*\n?/gm, '')
}

function place(file: string): string {
  return relative(process.cwd(), file)
}

function indent(text: string): string {
  return text.trimEnd().replace(/^/gm, '    ')
}
