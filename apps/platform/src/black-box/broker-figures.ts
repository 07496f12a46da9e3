import type { BlackBox } from './black-box.ts'

/** How a broker stands, as far as the one who publishes to it knows. */
export interface BrokerState {
  /** Whether it answered when it was last asked; `undefined` before the first time. */
  up: boolean | undefined
  /** Messages that wait for it. */
  behind: number
  /** Why it is not up. */
  error: string | null
}

/** Watches a broker as `broker.NAME.*`, and tells when it goes away and when it is back. */
export function watchBroker(name: string, state: () => BrokerState, blackBox: BlackBox): void {
  let wasUp: boolean | undefined
  blackBox.add(() => {
    const { up, behind, error } = state()
    const figures: Record<string, number> = { [`broker.${name}.behind`]: behind }
    if (up === undefined) return figures
    if (up !== (wasUp ?? true)) {
      const detail = up ? { state: 'up' } : { state: 'away', ...(error === null ? {} : { why: error }) }
      blackBox.happened('broker', { subject: name, detail })
    }
    wasUp = up
    figures[`broker.${name}.up`] = up ? 1 : 0
    return figures
  })
}
