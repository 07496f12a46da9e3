import { useEffect, useState } from 'react'
import { serverNow } from './api/server-clock.ts'

/** The platform's time in milliseconds, once a second: for ages that count up. */
export function useNow(): number {
  const [now, setNow] = useState(serverNow)
  useEffect(() => {
    const timer = window.setInterval(() => setNow(serverNow()), 1000)
    return () => window.clearInterval(timer)
  }, [])
  return now
}
