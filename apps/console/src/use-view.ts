import { useCallback, useEffect, useState } from 'react'
import { formatView, parseView, type View } from './url-state.ts'

/** The view in the address, and how to go to another one. Back and forward work. */
export function useView(): [View, (change: Partial<View>) => void] {
  const [view, setView] = useState(() => parseView(window.location.search))

  useEffect(() => {
    const follow = () => setView(parseView(window.location.search))
    window.addEventListener('popstate', follow)
    return () => window.removeEventListener('popstate', follow)
  }, [])

  const go = useCallback((change: Partial<View>) => {
    const next = { ...parseView(window.location.search), ...change }
    const search = formatView(next)
    if (search !== window.location.search) window.history.pushState(null, '', search || window.location.pathname)
    setView(next)
  }, [])

  return [view, go]
}
