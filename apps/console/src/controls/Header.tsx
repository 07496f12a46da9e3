import type { ReactNode } from 'react'
import { timeOfDay } from '../format.ts'
import { Mark } from '../Mark.tsx'
import type { Theme } from '../theme.ts'
import { useNow } from '../use-now.ts'
import { ThemeSwitch } from './ThemeSwitch.tsx'

interface Props {
  /** The project picker. */
  children: ReactNode
  theme: Theme
  /** Where the watcher says why; without it there is no link. */
  watcherUrl: string | undefined
  onHelp(): void
  onSignOut(): void
}

export function Header({ children, theme, watcherUrl, onHelp, onSignOut }: Props) {
  return (
    <header className="top">
      <h1 className="brand">
        <Mark size={26} />
        Plimsoll
      </h1>
      {children}
      <Clock />
      <div className="top-end">
        {watcherUrl !== undefined && (
          <a
            className="plain"
            data-testid="why"
            href={watcherUrl}
            title="What is the matter, and why: the watcher’s page, which is there when this one is not"
          >
            Why?
          </a>
        )}
        <ThemeSwitch theme={theme} />
        <button
          type="button"
          className="plain"
          onClick={onHelp}
          aria-label="Keys"
          aria-keyshortcuts="?"
          title="Keys (?)"
        >
          ?
        </button>
        <button type="button" className="plain" onClick={onSignOut}>
          Sign out
        </button>
      </div>
    </header>
  )
}

function Clock() {
  return (
    <p className="clock" title="The platform’s time">
      {timeOfDay(useNow())} UTC
    </p>
  )
}
