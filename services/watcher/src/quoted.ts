const entities: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' }

/** Reported text as HTML text or attribute. */
export function quoted(text: string): string {
  return text.slice(0, 1_000).replace(/[&<>"']/g, c => entities[c]!)
}

/** `4 s ago`, `3 min ago`. */
export function ago(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1_000))
  if (seconds < 120) return `${seconds} s ago`
  const minutes = Math.round(seconds / 60)
  return minutes < 120 ? `${minutes} min ago` : `${Math.round(minutes / 60)} h ago`
}
