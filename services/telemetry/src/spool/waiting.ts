import type { RecordHeader } from './record.ts'

interface Share {
  events: number
  bytes: number
}

/**
 * What waits in the spool, by project. From memory: counted at the opening, then kept. Bytes are those of records, also of
 * those that are on their way to the disk: who sends much at once has them already.
 */
export class Waiting {
  readonly #byProject = new Map<string, Share>()
  records = 0
  events = 0
  bytes = 0

  /** A record sets out for the disk. */
  begin(project: string, bytes: number): void {
    this.#count(project, 0, bytes)
  }

  /** It did not get there. */
  fail(project: string, bytes: number): void {
    this.#count(project, 0, -bytes)
  }

  /** It is there. */
  add({ project, events }: RecordHeader): void {
    this.#count(project, events, 0)
    this.records++
  }

  /** It is in the store. */
  remove({ project, events }: RecordHeader, bytes: number): void {
    this.#count(project, -events, -bytes)
    this.records--
  }

  eventsOf(project: string): number {
    return this.#byProject.get(project)?.events ?? 0
  }

  bytesOf(project: string): number {
    return this.#byProject.get(project)?.bytes ?? 0
  }

  /** Projects of which something waits, with this one. */
  projectsWith(project: string): number {
    return this.#byProject.size + (this.#byProject.has(project) ? 0 : 1)
  }

  #count(project: string, events: number, bytes: number): void {
    this.events += events
    this.bytes += bytes
    const share = this.#byProject.get(project) ?? { events: 0, bytes: 0 }
    share.events += events
    share.bytes += bytes
    // A record has bytes when it has no events: of one that holds nothing but refusals, say.
    if (share.bytes === 0) this.#byProject.delete(project)
    else this.#byProject.set(project, share)
  }
}
