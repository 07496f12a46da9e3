import { databaseConformance } from './conformance.ts'
import { open } from './open.ts'
import { scratchDatabase, scratchDirectory } from './testing.ts'

databaseConformance('embedded', async () => {
  const scratch = await scratchDirectory()
  const db = await open(scratch.url)
  const close = db.close.bind(db)
  return Object.assign(db, { close: () => close().then(scratch.remove) })
})

if (process.env.PLIMSOLL_DATABASE_URL) {
  databaseConformance('PostgreSQL server', async () => {
    const scratch = await scratchDatabase()
    const db = await open(scratch.url)
    const close = db.close.bind(db)
    let removed: Promise<void> | undefined
    return Object.assign(db, { close: () => (removed ??= close().then(scratch.remove)) })
  })
}
