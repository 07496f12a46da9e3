import { spawn } from 'node:child_process'
import { tmpdir } from 'node:os'
import { fileURLToPath } from 'node:url'
import type { Home } from './home.ts'

const cli = fileURLToPath(new URL('../../bin/plimsoll.js', import.meta.url))

export interface Ran {
  code: number | null
  stdout: string
  stderr: string
}

export interface RunOptions {
  input?: Buffer | string
  env?: NodeJS.ProcessEnv
  /** It is ended by force after this many milliseconds. Default 90,000. */
  timeoutMs?: number
}

/** `plimsoll …` as a child process, on the platform of `home`. */
export async function runCli(home: Home, args: string[], options: RunOptions = {}): Promise<Ran> {
  const child = spawn(process.execPath, [cli, ...args], {
    // Not in the project: a settings file there must not change the outcome.
    cwd: tmpdir(),
    env: { ...process.env, PLIMSOLL_DATA: home.data, ...home.env, ...options.env },
    timeout: options.timeoutMs ?? 90_000,
    killSignal: 'SIGKILL'
  })
  // A command that refuses before it reads must not fail its test by closing the pipe.
  child.stdin.on('error', () => undefined)
  child.stdin.end(options.input ?? '')
  const [stdout, stderr, code] = await Promise.all([
    textOf(child.stdout),
    textOf(child.stderr),
    new Promise<number | null>(resolve => child.once('close', resolve))
  ])
  return { code, stdout, stderr }
}

/** The last line of the output, as every command with `--json` promises it. */
export function lastJson<T>({ stdout, stderr }: Ran): T {
  const line = stdout.trimEnd().split('\n').at(-1) ?? ''
  try {
    return JSON.parse(line) as T
  } catch {
    throw new Error(`the last line is not JSON: ${JSON.stringify(line)}; stderr: ${stderr}`)
  }
}

async function textOf(stream: AsyncIterable<Buffer>): Promise<string> {
  return Buffer.concat(await Array.fromAsync(stream)).toString()
}
