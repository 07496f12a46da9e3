import type { Delivery } from '../broker.ts'
import type { Lookups } from './lookups.ts'
import type { Lease } from './store.ts'

/**
 * What the worker of a partition knows to be handled: what the store said of a page when it came, and what it handled itself since
 * then. So a page is looked up once, whatever number of steps it takes. Nobody else can handle one of this partition meanwhile, for
 * the fence is ours.
 */
export class Inbox {
  #handled = new Set<string>()
  #isKnown = false

  /** The store was asked about what is in hand. */
  get isKnown(): boolean {
    return this.#isKnown
  }

  /** There is a new page, or a step failed: what the store says may be another thing by now. */
  forget(): void {
    this.#isKnown = false
  }

  /** `ahead`: ids that were handled and that the store may not know yet. */
  async look(lookups: Lookups, lease: Lease, page: readonly Delivery[], ahead: Iterable<string>): Promise<void> {
    const handled = new Set(ahead)
    const ids = page.map(({ envelope }) => envelope.id)
    for (const id of await lookups.ask({ lease, ids })) handled.add(id)
    this.#handled = handled
    this.#isKnown = true
  }

  /** Those that were not handled, each once. */
  freshOf(unit: readonly Delivery[]): { fresh: Delivery[]; ids: string[] } {
    const ids = new Set<string>()
    const fresh = unit.filter(({ envelope: { id } }) => {
      if (this.#handled.has(id) || ids.has(id)) return false
      ids.add(id)
      return true
    })
    return { fresh, ids: [...ids] }
  }

  add(ids: readonly string[]): void {
    for (const id of ids) this.#handled.add(id)
  }
}
