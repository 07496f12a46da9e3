import { type FormEvent, useState } from 'react'
import type { ApiProblem } from './api/request.ts'
import { readToken, signIn } from './api/session.ts'
import { Mark } from './Mark.tsx'

interface Props {
  problem: string | undefined
  onSignedIn(): void
}

/** For whoever has no session: how to get a link, and a place to paste one. */
export function SignIn({ problem: first, onSignedIn }: Props) {
  const [problem, setProblem] = useState(first)
  const [busy, setBusy] = useState(false)

  const submit = async (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault()
    const token = readToken(String(new FormData(event.currentTarget).get('token')))
    if (token === undefined) return setProblem('Paste the link, or the part of it after the #.')
    setBusy(true)
    try {
      await signIn(token)
      onSignedIn()
    } catch (error) {
      const refusal = error as ApiProblem
      setProblem(refusal.status === 401 ? 'This link was used already, or is no longer valid.' : refusal.message)
      setBusy(false)
    }
  }

  return (
    <main className="gate">
      <Mark size={44} />
      <h1>Plimsoll</h1>
      <p>
        Sign-in links work once. For a new one, run this where the platform runs:
        <code className="block">npx plimsoll sign-in</code>
      </p>
      <form onSubmit={submit}>
        <label htmlFor="token">Link or token</label>
        <input
          id="token"
          name="token"
          type="password"
          autoComplete="off"
          spellCheck={false}
          required
          maxLength={1024}
        />
        <button type="submit" className="primary" disabled={busy}>
          {busy ? 'Signing in …' : 'Sign in'}
        </button>
        <p role="alert" className="bad">
          {problem}
        </p>
      </form>
    </main>
  )
}
