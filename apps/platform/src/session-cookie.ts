import { createHash, createHmac, timingSafeEqual } from 'node:crypto'

export const cookieName = 'plimsoll_session'

/** The value of a cookie that is one until then, in milliseconds since 1970. */
export function sessionCookie(key: string, until: number): string {
  return `${until}.${createHmac('sha256', key).update(`console/${until}`).digest('base64url')}`
}

/** True when the header carries a cookie that was signed with the key and has not run out. */
export function holdsSession(header: string | undefined, key: string, now: number): boolean {
  const cookie = header?.split(/; */).find(c => c.startsWith(`${cookieName}=`))
  const value = cookie?.slice(cookieName.length + 1)
  const until = Number(value?.split('.')[0])
  if (value === undefined || value.length >= 200 || !(until > now)) return false
  return timingSafeEqual(digest(value), digest(sessionCookie(key, until)))
}

const digest = (text: string) => createHash('sha256').update(text).digest()
