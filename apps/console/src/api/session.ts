import { post } from './request.ts'

/** The printed link carries the token in the fragment, which browsers never send to a server or write to its logs. */
const SIGN_IN_PATH = '/sign-in'

/** Takes the one-time token out of the address, so that neither history nor a shared screen keeps it. */
export function takeToken(): string | undefined {
  if (window.location.pathname !== SIGN_IN_PATH) return undefined
  const token = readToken(window.location.hash)
  window.history.replaceState(null, '', SIGN_IN_PATH)
  return token
}

/** The token in a whole link, a fragment, or by itself. */
export function readToken(text: string): string | undefined {
  const after = text.trim().split('#').at(-1)?.trim() ?? ''
  return after === '' || after.length > 512 ? undefined : after
}

/** Changes the one-time token for a session cookie. Rejects with an `ApiProblem`; 401 when it is unknown or used. */
export function signIn(token: string): Promise<void> {
  return post('/v1/sign-in', { token })
}

export function signOut(): Promise<void> {
  return post('/v1/sign-out')
}
