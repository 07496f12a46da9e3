import { Problem, problem } from '@plimsoll/http'

/** The versions that a request wants to meet, or any at all. */
export type Wanted = 'any' | readonly number[]

export const etagOf = (version: number) => `"${version}"`

const tag = /^(W\/)?"([\x21\x23-\x7e]*)"$/

/**
 * What `If-Match` asks for (RFC 9110, section 13.1.1): strong comparison, so a weak tag matches nothing.
 * @throws Problem 428 `precondition_required` without one, 400 `invalid_if_match` for what is none
 */
export function ifMatchOf(header: string | undefined): Wanted {
  if (header === undefined) {
    const detail = 'Send If-Match with the ETag of what you read, or * for whatever there is.'
    throw problem(428, 'precondition_required', detail)
  }
  if (header.trim() === '*') return 'any'
  return versionsIn(header, false) ?? refuse()
}

/** Whether `If-None-Match` has this version: then nothing need be sent. What is no list of tags asks for nothing. */
export function noneMatches(header: string | undefined, version: number): boolean {
  if (header === undefined) return false
  return header.trim() === '*' || (versionsIn(header, true)?.includes(version) ?? false)
}

export function mismatch(actual: number): Problem {
  const detail = `The user is at version ${actual} by now; read it again and decide anew. Nothing was written.`
  return new Problem(412, 'version_mismatch', detail, { extra: { version: actual }, headers: { etag: etagOf(actual) } })
}

function versionsIn(header: string, weakToo: boolean): number[] | undefined {
  const tags = header.split(',').map(part => tag.exec(part.trim()))
  if (tags.some(found => found === null)) return undefined
  return tags.flatMap(found => {
    const [, weak, text] = found!
    return (weak && !weakToo) || !/^\d{1,15}$/.test(text!) ? [] : [Number(text)]
  })
}

function refuse(): never {
  throw problem(400, 'invalid_if_match', 'If-Match is * or a list of entity tags, as "3".')
}
