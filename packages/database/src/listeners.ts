import type { CommitListener, Notifications } from './database.ts'

/** In-process commit listeners, by channel. A listener that throws is the listener's bug: it surfaces as uncaught. */
export class CommitListeners {
  #byChannel = new Map<string, Set<CommitListener>>()

  listen(channel: string, listener: CommitListener): () => void {
    const listeners = this.#byChannel.get(channel) ?? new Set()
    this.#byChannel.set(channel, listeners.add(listener))
    return () => {
      listeners.delete(listener)
      if (listeners.size === 0 && this.#byChannel.get(channel) === listeners) this.#byChannel.delete(channel)
    }
  }

  committed(notifications: Notifications): void {
    for (const [channel, details] of notifications) {
      for (const listener of this.#byChannel.get(channel) ?? []) listener(details)
    }
  }
}
