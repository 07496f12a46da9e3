import { useCallback, useEffect, useState } from 'react'
import { backoff } from './api/poller.ts'
import { ME_URL } from './api/queries.ts'
import { type ApiProblem, createReader } from './api/request.ts'
import { signIn, takeToken } from './api/session.ts'
import { Console } from './Console.tsx'
import { Mark } from './Mark.tsx'
import { SignIn } from './SignIn.tsx'

type Standing = { is: 'asking'; problem?: string } | { is: 'in' } | { is: 'out'; problem?: string }

/** Signed in, or not: nothing else is decided here. */
export function App() {
  const [standing, setStanding] = useState<Standing>({ is: 'asking' })
  const entered = useCallback(() => {
    window.history.replaceState(null, '', window.location.pathname === '/sign-in' ? '/' : window.location.href)
    setStanding({ is: 'in' })
  }, [])
  const left = useCallback(() => setStanding({ is: 'out' }), [])

  useEffect(() => {
    const stop = new AbortController()
    void enter(stop.signal, setStanding, entered)
    return () => stop.abort()
  }, [entered])

  if (standing.is === 'in') return <Console onSignedOut={left} />
  if (standing.is === 'out') return <SignIn problem={standing.problem} onSignedIn={entered} />
  return (
    <main className="gate" aria-busy="true">
      <Mark size={40} />
      <p role="status">{standing.problem ? `${standing.problem} Trying again.` : ''}</p>
    </main>
  )
}

// The token is taken once, when the page is loaded: by the next look it is out of the address.
const token = takeToken()

async function enter(signal: AbortSignal, show: (standing: Standing) => void, entered: () => void): Promise<void> {
  let refused: string | undefined
  if (token !== undefined) {
    try {
      await signIn(token)
    } catch (error) {
      const problem = error as ApiProblem
      refused = problem.status === 401 ? 'This link was used already, or is no longer valid.' : problem.message
    }
  }
  const me = createReader<unknown>()
  for (let failures = 1; !signal.aborted; failures += 1) {
    try {
      await me(ME_URL, signal)
      return entered()
    } catch (error) {
      if (signal.aborted) return
      const problem = error as ApiProblem
      if (problem.status === 401) return show(refused === undefined ? { is: 'out' } : { is: 'out', problem: refused })
      show({ is: 'asking', problem: problem.message })
      await new Promise(resolve => window.setTimeout(resolve, backoff(failures, 1000, Math.random())))
    }
  }
}
