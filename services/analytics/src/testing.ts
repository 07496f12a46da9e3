import type { Database } from '@plimsoll/database'
import { createAnalytics } from './service.ts'
import { declaredViews } from './views/declared.ts'
import { hashOf, refreshAll } from './views/testing.ts'

/**
 * Makes the views of `store` once more in `scratch`, an empty database, from the beginning of the log, and names those whose
 * rows are not the same, byte for byte (promise P10). The views of `store` must hold all of the log, and nobody may change
 * them meanwhile; what they refresh from time to time is refreshed first.
 */
export async function viewsThatReplayMakesOtherwise(
  log: Database,
  { store, scratch }: { store: Database; scratch: Database }
): Promise<string[]> {
  const again = await createAnalytics({ log, store: scratch, mayRead: () => undefined })
  again.start()
  try {
    await again.settled()
  } finally {
    await again.stop()
  }
  const otherwise: string[] = []
  for (const database of [store, scratch]) await refreshAll(database, declaredViews)
  for (const view of declaredViews)
    if ((await hashOf(store, [view])) !== (await hashOf(scratch, [view]))) otherwise.push(view.name)
  return otherwise
}
