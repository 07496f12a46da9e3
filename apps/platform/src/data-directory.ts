import { randomBytes } from 'node:crypto'
import { existsSync, linkSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type DirectoryLock, lockDirectory } from '@plimsoll/database/lock'

/** Where a running platform answers, left in the data folder for every other command. */
export interface Addresses {
  /** The platform: ingest, dashboard API, console. */
  url: string
  metadataUrl: string
  /** The process's own health thread. */
  healthUrl: string
  pid: number
}

/** The data folder: what is in it, by name. Secrets are readable by their owner alone. */
export class DataDirectory {
  readonly path: string

  constructor(path: string) {
    this.path = path
    mkdirSync(path, { recursive: true, mode: 0o700 })
  }

  /**
   * Takes the folder for this process, the watcher: a second one would leave its own address here and find the stores
   * taken only then.
   * @throws {DirectoryLockedError} which names the process that has it
   */
  lock(): DirectoryLock {
    return lockDirectory(this.file('up'))
  }

  file(name: string): string {
    return join(this.path, name)
  }

  /** The local admin token, made at the first start. */
  get adminToken(): string {
    return this.#secret('admin-token')
  }

  /** Keys of cookies and of the keyed hash that stands for addresses. */
  get secret(): string {
    return this.#secret('secret')
  }

  /** Wraps the keys that personal data of users is sealed with. Without it nothing of that is ever read again: back it up. */
  get usersKey(): string {
    return this.#secret('users-key')
  }

  /** Signs what the webhook of alerts is told. */
  get webhookSecret(): string {
    return this.#secret('webhook-secret')
  }

  #secret(name: string): string {
    const path = this.file(name)
    if (!existsSync(path)) makeSecret(path)
    const text = readFileSync(path, 'utf8').trim()
    // An empty token would be one that every request without a token has.
    if (!wholeSecret.test(text)) {
      throw new Error(`${path} does not hold a whole secret; remove the file, and the next start makes a new one`)
    }
    return text
  }

  writeAddresses(addresses: Addresses): void {
    writeWhole(this.file('platform.json'), addresses)
  }

  readAddresses(): Addresses | undefined {
    return readJson<Addresses>(this.file('platform.json'))
  }

  writeWatcher(watcher: { url: string; pid: number }): void {
    writeWhole(this.file('watcher.json'), watcher)
  }

  readWatcher(): { url: string; pid: number } | undefined {
    return readJson(this.file('watcher.json'))
  }
}

const wholeSecret = /^[A-Za-z0-9_-]{43,}$/

/** Written beside and linked into place: a full disk leaves no half of it, and of two first starts one makes it. */
function makeSecret(path: string): void {
  const beside = `${path}.${process.pid}`
  try {
    writeFileSync(beside, `${randomBytes(32).toString('base64url')}\n`, { mode: 0o600, flush: true })
    linkSync(beside, path)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
  } finally {
    rmSync(beside, { force: true })
  }
}

/** Never half a file: written beside and moved into place. */
function writeWhole(path: string, content: unknown): void {
  const beside = `${path}.${process.pid}`
  writeFileSync(beside, `${JSON.stringify(content)}\n`, { mode: 0o600 })
  renameSync(beside, path)
}

function readJson<T>(path: string): T | undefined {
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as T
  } catch {
    return undefined
  }
}
