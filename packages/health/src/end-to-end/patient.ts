import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import type { TestContext } from 'node:test'
import { fileURLToPath } from 'node:url'
import type { DrainResult } from '../drain/drain.ts'
import type { HealthDocument } from '../verdict/document.ts'
import type { Illness } from './patient-process.ts'

interface Said {
  health?: string
  service?: string
  done?: string
  drained?: DrainResult
}

export interface Patient {
  /** Where its own server answers. */
  service: string
  process: ChildProcess
  /** Gives it an illness and does not wait for what comes of it. */
  suffer(illness: Illness): void
  ask(path: string): Promise<{ status: number; body: HealthDocument }>
  /** Asks until the answer is so. A request without an answer within 5 s fails: a bound for a broken build, no promise. */
  askUntil(path: string, isSo: (body: HealthDocument) => boolean): Promise<{ status: number; body: HealthDocument }>
  /** The next thing that it says of this kind. */
  says<K extends keyof Said>(what: K): Promise<NonNullable<Said[K]>>
}

/** Starts the patient in a process of its own, so that whoever asks is not the one who is ill. */
export async function startPatient(t: TestContext, execArgv: string[] = []): Promise<Patient> {
  const child = fork(fileURLToPath(new URL('./patient-process.ts', import.meta.url)), [], { execArgv })
  t.after(() => child.kill('SIGKILL'))
  const says: Patient['says'] = async what => {
    for (;;) {
      const [said] = (await once(child, 'message')) as [Said]
      const found = said[what]
      if (found !== undefined) return found as NonNullable<typeof found>
    }
  }
  const [{ health, service }] = (await once(child, 'message')) as [Required<Said>]

  const ask: Patient['ask'] = async path => {
    const response = await fetch(health + path, {
      signal: AbortSignal.timeout(5_000),
      headers: { connection: 'close' }
    })
    return { status: response.status, body: (await response.json()) as HealthDocument }
  }
  return {
    service,
    process: child,
    suffer: illness => void child.send(illness),
    ask,
    async askUntil(path, isSo) {
      for (;;) {
        const answer = await ask(path)
        if (isSo(answer.body)) return answer
      }
    },
    says
  }
}
