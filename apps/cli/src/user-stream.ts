import { CommandError } from './exit-codes.ts'

/** The id of a user named as `user/42`, the name of their stream. */
export function userIn(stream: string): string {
  const id = /^user\/(.+)$/.exec(stream)?.[1]
  if (id === undefined) throw new CommandError(`"${stream}" names no user; one is named as user/42`)
  return id
}
