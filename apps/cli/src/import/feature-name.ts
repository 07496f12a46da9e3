const lengthLimit = 120

/**
 * The feature that a request used: the first segment of its path, decoded, without query; `/` for the root.
 * A segment that does not decode to printable text stays as it was sent. At most 120 characters.
 */
export function featureName(target: string): string {
  const path = target.replace(/^[a-z][a-z0-9+.-]*:\/\/[^/?#]*/i, '').replace(/[?#].*$/s, '')
  const segment = path.split('/').find(part => part !== '')
  return segment === undefined ? '/' : [...decoded(segment)].slice(0, lengthLimit).join('')
}

function decoded(segment: string): string {
  try {
    const text = decodeURIComponent(segment)
    // A control character, such as %00 or a line feed, has no place in a name, and a store may refuse it.
    return /\p{Cc}/u.test(text) ? segment : text
  } catch {
    return segment
  }
}
