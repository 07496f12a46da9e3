import { readFileSync, renameSync, writeFileSync } from 'node:fs'
import type { Exit } from './contract.ts'

const kept = 50

/** The last fifty exits of the platform, on disk, so that they outlive the watcher too. */
export class Exits {
  #path: string
  #exits: Exit[]

  constructor(path: string) {
    this.#path = path
    this.#exits = readExits(path)
  }

  add(exit: Exit): void {
    this.#exits = [...this.#exits, exit].slice(-kept)
    try {
      writeFileSync(`${this.#path}.new`, JSON.stringify(this.#exits))
      renameSync(`${this.#path}.new`, this.#path)
    } catch {
      // A full disk must not stop the restart; the exit is still shown from memory.
    }
  }

  get all(): readonly Exit[] {
    return this.#exits
  }
}

function readExits(path: string): Exit[] {
  try {
    const exits: unknown = JSON.parse(readFileSync(path, 'utf8'))
    return Array.isArray(exits) ? exits.filter(isExit).slice(-kept) : []
  } catch {
    return []
  }
}

/** The file may have been cut short or edited; what is no exit must not bring the page down. */
function isExit(value: unknown): value is Exit {
  const { at, code, signal, upMs } = (value ?? {}) as Partial<Record<keyof Exit, unknown>>
  return (
    typeof at === 'string' &&
    (code === null || typeof code === 'number') &&
    (signal === null || typeof signal === 'string') &&
    typeof upMs === 'number'
  )
}
