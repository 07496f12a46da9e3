import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

const cli = fileURLToPath(import.meta.resolve('@plimsoll/cli/bin'))

/** The metadata API as a process of its own, to be made slow, killed and brought back at the same address. */
export class MetadataProcess {
  #child: ChildProcess | undefined
  #data: string
  #port = '0'
  url = ''

  constructor(data: string) {
    this.#data = data
  }

  async start(): Promise<void> {
    const args = [
      'serve',
      'metadata',
      '--fault-knobs',
      '--data',
      this.#data,
      '--port',
      this.#port,
      // A platform on this machine, or another run, has the usual one.
      '--health-port',
      '0',
      '--log-level',
      'error'
    ]
    const child = spawn(process.execPath, [cli, ...args], { stdio: ['ignore', 'pipe', 'inherit'] })
    this.#child = child
    const lines = createInterface({ input: child.stdout })
    const line = await Promise.race([
      once(lines, 'line').then(([text]) => String(text)),
      once(child, 'exit').then(([code]) => Promise.reject(new Error(`the metadata service ended with ${code}`)))
    ])
    this.url = (JSON.parse(line) as { url: string }).url
    this.#port = new URL(this.url).port
  }

  /** Sets the fault knobs: what is not named is well. */
  async fault(faults: { latencyMs?: number; errorRate?: number; hang?: boolean }): Promise<void> {
    const token = (await readFile(join(this.#data, 'admin-token'), 'utf8')).trim()
    const response = await fetch(`${this.url}/admin/faults`, {
      method: 'PUT',
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      body: JSON.stringify(faults)
    })
    if (!response.ok) throw new Error(`setting the faults: ${response.status} ${await response.text()}`)
  }

  async kill(signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    const child = this.#child
    if (!child || child.exitCode !== null || child.signalCode !== null) return
    child.kill(signal)
    await once(child, 'exit')
  }
}
