import type { Fault } from './fault.ts'
import { type FaultName, faults } from './faults.ts'
import type { Turn } from './run.ts'

export { healthyHour } from './healthy.ts'
export { pairTurns } from './pairs.ts'
export { playTurns, type Verdict } from './run.ts'

export const faultNames = Object.keys(faults) as FaultName[]

/** What each breaks, in words. */
export const aboutFault = (name: FaultName): string => faults[name].about

export const faultTurn = (name: FaultName): Turn => {
  const fault: Fault = faults[name]
  return { name, stage: fault.stage, faults: [fault], isLast: fault.isLast === true }
}
