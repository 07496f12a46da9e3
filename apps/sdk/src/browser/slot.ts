import type { Slot } from '../core/ports.ts'

/** A value in localStorage, or only in this page where there is none. Tabs see what the others saved. */
export function localSlot<T>(name: string): Slot<T> {
  let value: T | undefined
  return {
    load() {
      try {
        const text = localStorage.getItem(name)
        value = text ? JSON.parse(text) : undefined
      } catch {
        // Forbidden, or not ours: what this page knows has to do.
      }
      return value
    },
    save(next) {
      value = next
      try {
        if (next) localStorage.setItem(name, JSON.stringify(next))
        else localStorage.removeItem(name)
      } catch {
        // As above.
      }
    }
  }
}
