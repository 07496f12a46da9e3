import { fairQueue, heldSlots, ownRefusals } from './bulkhead.ts'
import { growth } from './growth.ts'
import { hungProbe, oldGenerations } from './half-open.ts'
import { overload } from './overload.ts'
import { abortInBackOff, retryStorm } from './retry.ts'
import { oneTimeout } from './timeout.ts'
import type { Trial } from './trial.ts'
import { idleWindow } from './window.ts'

export const trials: readonly Trial[] = [
  abortInBackOff,
  oldGenerations,
  hungProbe,
  idleWindow,
  ownRefusals,
  heldSlots,
  oneTimeout,
  fairQueue,
  retryStorm,
  growth,
  overload
]

/** Wanted, and not run, because nothing here offers it yet. */
export const notRun: readonly { title: string; because: string }[] = [
  {
    title: 'three processes share what a breaker knows, and one poisoned node does not open the rest',
    because: 'no library of the three shares a breaker between processes'
  }
]
