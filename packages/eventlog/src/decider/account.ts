import { decider } from './decider.ts'

/** A small domain for the tests: money that goes in and out and never below nothing. */
export type AccountEvent =
  | { type: 'account.opened'; data: { owner: string } }
  | { type: 'money.in'; data: { amount: number } }
  | { type: 'money.out'; data: { amount: number } }

export type AccountCommand = { do: 'open'; owner: string } | { do: 'deposit' | 'withdraw'; amount: number }

export interface Account {
  owner: string | null
  balance: number
}

export class OverdrawnError extends Error {}

export const account = decider<Account, AccountCommand, AccountEvent>({
  initial: { owner: null, balance: 0 },
  decide(command, { owner, balance }) {
    if (command.do === 'open') return owner ? [] : { type: 'account.opened', data: { owner: command.owner } }
    if (command.do === 'deposit') return { type: 'money.in', data: { amount: command.amount } }
    if (command.amount > balance) throw new OverdrawnError(`there is ${balance}, and ${command.amount} was asked for`)
    return { type: 'money.out', data: { amount: command.amount } }
  },
  evolve(state, event) {
    switch (event.type) {
      case 'account.opened':
        return { ...state, owner: event.data.owner }
      case 'money.in':
        return { ...state, balance: state.balance + event.data.amount }
      case 'money.out':
        return { ...state, balance: state.balance - event.data.amount }
      default:
        return state
    }
  }
})
