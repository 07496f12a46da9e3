import { useCallback, useEffect, useState } from 'react'
import { backoff } from './api/poller.ts'
import { ME_URL } from './api/queries.ts'
import { type ApiProblem, createReader } from './api/request.ts'
import { signIn, takeToken } from './api/session.ts'
import { Console } from './Console.tsx'
import { Mark } from './Mark.tsx'
import { SignIn } from './SignIn.tsx'
import { watcherLink } from './watcher-link.ts'

type Standing =
  | { is: 'asking'; problem?: string }
  | { is: 'in'; watcherUrl: string | undefined }
  | { is: 'out'; problem?: string }

/** Signed in, or not: nothing else is decided here. */
export function App() {
  const [standing, setStanding] = useState<Standing>({ is: 'asking' })
  const [entries, setEntries] = useState(0)
  const entered = useCallback((watcherUrl: string | undefined) => {
    window.history.replaceState(null, '', window.location.pathname === '/sign-in' ? '/' : window.location.href)
    setStanding({ is: 'in', watcherUrl })
  }, [])
  const left = useCallback(() => setStanding({ is: 'out' }), [])
  const signedIn = useCallback(() => setEntries(count => count + 1), [])

  useEffect(() => {
    const stop = new AbortController()
    void enter(entries === 0 ? token : undefined, stop.signal, setStanding, entered)
    return () => stop.abort()
  }, [entered, entries])

  if (standing.is === 'in') return <Console watcherUrl={standing.watcherUrl} onSignedOut={left} />
  if (standing.is === 'out') return <SignIn problem={standing.problem} onSignedIn={signedIn} />
  return (
    <main className="gate" aria-busy="true">
      <Mark size={40} />
      <p role="status">{standing.problem ? `${standing.problem} Trying again.` : ''}</p>
    </main>
  )
}

// The token is taken once, when the page is loaded: by the next look it is out of the address.
const token = takeToken()

async function enter(
  token: string | undefined,
  signal: AbortSignal,
  show: (standing: Standing) => void,
  entered: (watcherUrl: string | undefined) => void
): Promise<void> {
  let refused: string | undefined
  if (token !== undefined) {
    try {
      await signIn(token)
    } catch (error) {
      const problem = error as ApiProblem
      refused = problem.status === 401 ? 'This link was used already, or is no longer valid.' : problem.message
    }
  }
  const me = createReader<{ watcherUrl?: string }>()
  for (let failures = 1; !signal.aborted; failures += 1) {
    try {
      const { data } = await me(ME_URL, signal)
      return entered(watcherLink(data.watcherUrl, window.location.hostname))
    } catch (error) {
      if (signal.aborted) return
      const problem = error as ApiProblem
      if (problem.status === 401) return show(refused === undefined ? { is: 'out' } : { is: 'out', problem: refused })
      show({ is: 'asking', problem: problem.message })
      await new Promise(resolve => window.setTimeout(resolve, backoff(failures, 1000, Math.random())))
    }
  }
}
