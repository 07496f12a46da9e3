import { useEffect, useState, useSyncExternalStore } from 'react'

export type ThemeChoice = 'system' | 'light' | 'dark'
export const THEMES: readonly ThemeChoice[] = ['system', 'light', 'dark']

const KEY = 'plimsoll.theme'
const prefersDark = () => window.matchMedia('(prefers-color-scheme: dark)')

/** Puts the remembered choice on the document. Called before the first drawing, so that the page does not flash. */
export function applyTheme(choice: ThemeChoice = remembered()): void {
  if (choice === 'system') delete document.documentElement.dataset.theme
  else document.documentElement.dataset.theme = choice
}

export interface Theme {
  choice: ThemeChoice
  /** What the choice comes to at the moment. */
  shown: 'light' | 'dark'
  choose(choice: ThemeChoice): void
}

export function useTheme(): Theme {
  const [choice, setChoice] = useState<ThemeChoice>(remembered)
  const dark = useSyncExternalStore(followSystem, () => prefersDark().matches)
  useEffect(() => applyTheme(choice), [choice])
  return {
    choice,
    shown: choice === 'system' ? (dark ? 'dark' : 'light') : choice,
    choose(next) {
      // At once, not after the next drawing: charts read their colours from the document while they are drawn.
      applyTheme(next)
      setChoice(next)
      try {
        window.localStorage.setItem(KEY, next)
      } catch {
        // A browser may forbid storage; the choice then lasts as long as the page.
      }
    }
  }
}

function followSystem(changed: () => void): () => void {
  const query = prefersDark()
  query.addEventListener('change', changed)
  return () => query.removeEventListener('change', changed)
}

function remembered(): ThemeChoice {
  try {
    const kept = window.localStorage.getItem(KEY)
    return THEMES.find(theme => theme === kept) ?? 'system'
  } catch {
    return 'system'
  }
}
