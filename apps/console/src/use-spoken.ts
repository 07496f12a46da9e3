import { useEffect, useRef, useState } from 'react'

/** Milliseconds between two announcements: a number that moves every two seconds would drown all else. */
const PAUSE = 30_000

/** A text for a polite live region, changed at most every half minute. */
export function useSpoken(text: string): string {
  const [spoken, setSpoken] = useState(text)
  const newest = useRef(text)
  newest.current = text
  useEffect(() => {
    const timer = window.setInterval(() => setSpoken(newest.current), PAUSE)
    return () => window.clearInterval(timer)
  }, [])
  return spoken
}
