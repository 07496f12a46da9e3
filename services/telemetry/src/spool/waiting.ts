import type { RecordHeader } from './record.ts'

/** What waits in the spool, by project. From memory: counted at the opening, then kept. */
export class Waiting {
  #byProject = new Map<string, number>()
  records = 0
  events = 0

  add({ project, events }: RecordHeader): void {
    this.#count(project, events)
    this.records++
  }

  remove({ project, events }: RecordHeader): void {
    this.#count(project, -events)
    this.records--
  }

  eventsOf(project: string): number {
    return this.#byProject.get(project) ?? 0
  }

  #count(project: string, events: number): void {
    this.events += events
    const left = this.eventsOf(project) + events
    if (left === 0) this.#byProject.delete(project)
    else this.#byProject.set(project, left)
  }
}
