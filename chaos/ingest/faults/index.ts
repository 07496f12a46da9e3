import { clientFaults } from './clients.ts'
import type { Fault } from './fault.ts'
import { metadataFaults } from './metadata.ts'
import { networkFaults } from './network.ts'
import { platformFaults } from './platform.ts'
import { storeFaults } from './stores.ts'

/** Everything that is broken on purpose. */
export const faults: readonly Fault[] = [
  ...networkFaults,
  ...platformFaults,
  ...metadataFaults,
  ...clientFaults,
  ...storeFaults
]

export type { Fault, Stage, Target } from './fault.ts'
