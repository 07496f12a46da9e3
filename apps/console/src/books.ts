import type { LedgerAnswer } from './api/types.ts'

/** One equation of the ledger (promise P3), checked here too and not only taken on trust. */
export type Equation = { holds: boolean; difference: number } | { holds: undefined; difference: undefined }

export interface Books {
  /** received = accepted + duplicate + rejected + quarantined */
  received: Equation
  /** accepted = counted + pending; not known while the read side cannot be asked. */
  accepted: Equation
  /** `unknown`: nothing is wrong, but the second equation could not be checked. */
  verdict: 'balanced' | 'not balanced' | 'unknown'
}

export function audit(ledger: LedgerAnswer): Books {
  const received = equation(ledger.received, ledger.accepted + ledger.duplicate + ledger.rejected + ledger.quarantined)
  const accepted: Equation =
    ledger.counted === null || ledger.pending === null
      ? { holds: undefined, difference: undefined }
      : equation(ledger.accepted, ledger.counted + ledger.pending)
  if (received.holds === false || accepted.holds === false) return { received, accepted, verdict: 'not balanced' }
  if (accepted.holds === undefined) return { received, accepted, verdict: 'unknown' }
  return { received, accepted, verdict: ledger.balanced ? 'balanced' : 'not balanced' }
}

function equation(left: number, right: number): Equation {
  return { holds: left === right, difference: left - right }
}
