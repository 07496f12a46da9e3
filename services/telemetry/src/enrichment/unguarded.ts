import { type Enrichment, unknown } from './enrichment.ts'
import type { MetadataClient } from './metadata-client.ts'
import { Workers } from './workers.ts'

/**
 * Enrichment as the story had it: two hundred workers, each blocked until the metadata API answers; no time limit, no
 * breaker, no cache. It exists for the drill that shows what the policies prevent, and is never the default.
 */
export class Unguarded {
  #client: MetadataClient
  #workers = new Workers(200)

  constructor(client: MetadataClient) {
    this.#client = client
  }

  peek(): undefined {
    return undefined
  }

  async enrich(userIds: Iterable<string>): Promise<Map<string, Enrichment>> {
    const found = new Map<string, Enrichment>()
    await this.#workers.run(async () => {
      for (const id of userIds) found.set(id, await this.#client.fetchOne(id).catch(() => unknown))
    })
    return found
  }
}
