#!/usr/bin/env node
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

// The project brings its own Node (see optionalDependencies). Whatever started us, go on in that one.
const wanted = 26
if (Number(process.versions.node.split('.')[0]) >= wanted) await import('../src/main.ts')
else {
  const node = pinnedNode(dirname(fileURLToPath(import.meta.url)))
  if (node === undefined) {
    console.error(
      `plimsoll needs Node ${wanted}; this is ${process.version}. Run "npm ci" in the project, which brings it.`
    )
    process.exit(2)
  }
  const child = spawn(node, [fileURLToPath(import.meta.url), ...process.argv.slice(2)], { stdio: 'inherit' })
  // Who ends us means the one that does the work. An interrupt from a keyboard reaches both by itself.
  for (const signal of ['SIGTERM', 'SIGHUP', 'SIGINT'])
    process.on(signal, () => (signal === 'SIGINT' && process.stdin.isTTY) || child.kill(signal))
  child.once('error', error => {
    console.error(`plimsoll cannot start ${node}: ${error.message}`)
    process.exit(2)
  })
  child.once('exit', (status, signal) => process.exit(signal ? 1 : (status ?? 1)))
}

function pinnedNode(from) {
  const candidate = join(from, 'node_modules', '.bin', 'node')
  if (existsSync(candidate)) return candidate
  const above = dirname(from)
  return above === from ? undefined : pinnedNode(above)
}
