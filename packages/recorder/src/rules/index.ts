import type { Rule } from '../diagnosis/rule.ts'
import { badConfiguration } from './bad-configuration.ts'
import { badVersion } from './bad-version.ts'
import { brokerGone } from './broker-gone.ts'
import { clockJump } from './clock-jump.ts'
import { cpuStarved } from './cpu-starved.ts'
import { deadDependency } from './dead-dependency.ts'
import { diskFull } from './disk-full.ts'
import { erringDependency } from './erring-dependency.ts'
import { eventLoopBlocked } from './event-loop-blocked.ts'
import { expired } from './expired.ts'
import { filesOut } from './files-out.ts'
import { flood } from './flood.ts'
import { hangingDependency } from './hanging-dependency.ts'
import { memoryLeak } from './memory-leak.ts'
import { outOfMemory } from './out-of-memory.ts'
import { overload } from './overload.ts'
import { platformKilled } from './platform-killed.ts'
import { platformStopped } from './platform-stopped.ts'
import { poolExhausted } from './pool-exhausted.ts'
import { requestsFailing } from './requests-failing.ts'
import { retryStorm } from './retry-storm.ts'
import { slowDependency } from './slow-dependency.ts'
import { storeGone } from './store-gone.ts'
import { storeOutOfConnections } from './store-out-of-connections.ts'
import { storeOutOfSpace } from './store-out-of-space.ts'
import { storeSlow } from './store-slow.ts'
import { storeStuck } from './store-stuck.ts'
import { subscriberDead } from './subscriber-dead.ts'
import { subscriberPoisoned } from './subscriber-poisoned.ts'
import { subscriberSlow } from './subscriber-slow.ts'

/**
 * The table: what can be the matter, in the order in which it is to be dealt with. First what was done by people and can
 * be taken back, then what the platform cannot live without, then what it can; last, that something is wrong of which no other
 * rule knows why.
 */
export const rules: readonly Rule[] = [
  badConfiguration,
  badVersion,
  diskFull,
  outOfMemory,
  platformKilled,
  platformStopped,
  filesOut,
  storeOutOfSpace,
  storeOutOfConnections,
  storeGone,
  eventLoopBlocked,
  cpuStarved,
  memoryLeak,
  poolExhausted,
  storeStuck,
  storeSlow,
  expired,
  flood,
  retryStorm,
  overload,
  deadDependency,
  hangingDependency,
  slowDependency,
  erringDependency,
  brokerGone,
  subscriberDead,
  subscriberPoisoned,
  subscriberSlow,
  clockJump,
  requestsFailing
]
