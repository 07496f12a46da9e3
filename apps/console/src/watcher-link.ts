/**
 * Where this browser finds the watcher, which says why also when the platform cannot. One that listens on all addresses is
 * where this page came from.
 */
export function watcherLink(url: string | undefined, here: string): string | undefined {
  if (url === undefined || !URL.canParse(url)) return undefined
  const target = new URL(url)
  if (target.protocol !== 'http:' && target.protocol !== 'https:') return undefined
  if (target.hostname === '0.0.0.0' || target.hostname === '[::]') target.hostname = here
  return target.href
}
