/**
 * `npm run check`: everything that can be known without running the code. All steps run even when one fails, so that
 * one round shows all there is to mend. Exit code 1 when a step failed.
 */
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { styleText } from 'node:util'
import { root } from './repository.ts'

const bin = (name: string) => join(root, 'node_modules', '.bin', name)
const script = (name: string) => [process.execPath, join(root, 'scripts', name)]

const steps: [name: string, command: string[]][] = [
  ['types', [bin('tsc'), '-p', '.']],
  ['lint and format', [bin('biome'), 'check', '--error-on-warnings', '.']],
  ['dependency direction', script('check-direction.ts')],
  ['lockfile', script('check-lockfile.ts')],
  ['unused code', [bin('knip'), '--no-config-hints', '--no-progress']],
  ['documents', script('check-documents.ts')]
]

const results = steps.map(([name, [command, ...args]]) => {
  console.log(styleText('bold', `\n${name}`))
  const began = performance.now()
  const { status, signal, error } = spawnSync(command!, args, { cwd: root, stdio: 'inherit', timeout: 5 * 60_000 })
  if (error !== undefined) console.log(error.message)
  else if (signal !== null) console.log(`ended by ${signal}`)
  return { name, ok: status === 0, seconds: (performance.now() - began) / 1000 }
})

console.log(styleText('bold', '\ncheck'))
for (const { name, ok, seconds } of results) {
  console.log(
    `${ok ? styleText('green', 'ok    ') : styleText('red', 'failed')} ${seconds.toFixed(1).padStart(5)} s  ${name}`
  )
}
process.exitCode = results.every(result => result.ok) ? 0 : 1
