import {
  addLosses,
  type Books,
  batchOf,
  beginReport,
  emptyBooks,
  hasRoom,
  letGo,
  type QueueLimits,
  takeIn,
  untold
} from '../core/books.ts'
import type { Queued, Store } from '../core/ports.ts'

const ask = <T>(request: IDBRequest<T>): Promise<T> =>
  new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result)
    request.onerror = () => reject(request.error)
  })

/** The queue of an origin, which its tabs share. Every method is one transaction, so tabs need not know of each other. */
export function indexedDbStore(name: string, limits: QueueLimits, now: () => number): Store {
  let opened: Promise<IDBDatabase> | undefined
  let erased: Promise<unknown> | undefined
  const at = () => new Date(now()).toISOString()

  const open = () => {
    const request = indexedDB.open(name, 1)
    request.onupgradeneeded = () => {
      request.result.createObjectStore('events', { keyPath: 'id' })
      request.result.createObjectStore('books')
    }
    return ask(request).then(database => {
      // Another tab erases everything, or the browser does.
      database.onversionchange = database.onclose = close
      return database
    })
  }
  const close = async () => {
    const closing = opened
    opened = undefined
    ;(await closing?.catch(() => undefined))?.close()
  }

  const transact = async <T>(work: (events: IDBObjectStore, books: Books) => T | Promise<T>): Promise<T> => {
    // What is added after an erasure must not fall to it.
    await erased
    opened ??= open()
    const database = await opened.catch(error => {
      opened = undefined
      throw error
    })
    const transaction = database.transaction(['events', 'books'], 'readwrite')
    const committed = new Promise<void>((resolve, reject) => {
      transaction.oncomplete = () => resolve()
      transaction.onabort = () => reject(transaction.error)
    })
    // Whoever asked is told by the requests below, too.
    committed.catch(() => undefined)
    const shelf = transaction.objectStore('books')
    const books: Books = (await ask(shelf.get(0))) ?? emptyBooks()
    const result = await work(transaction.objectStore('events'), books)
    shelf.put(books, 0)
    await committed
    return result
  }

  return {
    add: event =>
      transact((events, books) => {
        const taken = hasRoom(books, event.body, limits)
        if (taken) {
          takeIn(books, event.body)
          events.add(event)
        } else addLosses(books, { queue_full: 1 }, at())
        return taken
      }),
    read: (count, bytes) =>
      transact(async events => batchOf((await ask(events.getAll(null, count))) as Queued[], count, bytes)),
    settle: settled =>
      transact(async (events, books) => {
        await Promise.all(
          settled.map(async ([id, reason]) => {
            const event = (await ask(events.get(id))) as Queued | undefined
            if (!event) return
            events.delete(id)
            letGo(books, event.body)
            if (reason) addLosses(books, { [reason]: 1 }, at())
          })
        )
      }),
    lose: losses => transact((_, books) => addLosses(books, losses, at())),
    report: id => transact((_, books) => beginReport(books, id, at())),
    acknowledge: id =>
      transact((_, books) => {
        if (books.report?.id === id) books.report = undefined
      }),
    losses: () => transact((_, books) => untold(books)),
    erase() {
      const erasing = close().then(() => ask(indexedDB.deleteDatabase(name)))
      erased = erasing.catch(() => undefined)
      return erasing.then(() => undefined)
    },
    close
  }
}
