import type { ApiProblem } from '../api/request.ts'
import { age } from '../format.ts'
import { useNow } from '../use-now.ts'

interface Props {
  problem: ApiProblem
  retryAt: number | undefined
  /** There is a last good answer on the page. */
  hasNumbers: boolean
  /** Where the watcher says why. */
  watcherUrl: string | undefined
}

/** Why the page does not move. The text that is read aloud does not change every second; the countdown beside it does. */
export function Notice({ problem, retryAt, hasNumbers, watcherUrl }: Props) {
  const now = useNow()
  return (
    <div className="notice notice-bad" data-testid="notice">
      <p role="status">
        <strong>{problem.message}</strong> {hasNumbers && 'The numbers below are the last good ones.'}
      </p>
      {watcherUrl !== undefined && (
        <p>
          <a href={watcherUrl}>The watcher says why.</a>
        </p>
      )}
      {retryAt !== undefined && (
        <p className="dim">Trying again{retryAt > now ? ` in ${age(retryAt - now + 999)}` : ' now'}.</p>
      )}
    </div>
  )
}
