import { statfs } from 'node:fs/promises'

/**
 * Free and whole bytes of a folder's file system. A file system that does not answer must not hold the loop, so it is
 * asked beside it, one question at a time, and what is told is its last answer.
 */
export class DiskSpace {
  readonly #directory: string
  #asking = false
  #values: Record<string, number> = {}

  constructor(directory: string) {
    this.#directory = directory
    this.#ask()
  }

  read(): Record<string, number> {
    const values = this.#values
    this.#ask()
    return values
  }

  #ask(): void {
    if (this.#asking) return
    this.#asking = true
    statfs(this.#directory)
      .then(({ bavail, blocks, bfree, bsize }) => {
        // What only root may use is taken: full is when we cannot write.
        this.#values = { 'disk.free': bavail * bsize, 'disk.total': (blocks - bfree + bavail) * bsize }
      })
      .catch(() => {
        this.#values = {}
      })
      .finally(() => {
        this.#asking = false
      })
  }
}
