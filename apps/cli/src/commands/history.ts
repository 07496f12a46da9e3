import type { History, HistoryEntry, UserAnswer } from '@plimsoll/service-users/contract'
import { AnsweredError, Client, type ClientOptions } from '../client.ts'
import { CommandError, exitCodes } from '../exit-codes.ts'
import { bold, dim, print } from '../output.ts'
import { userIn } from '../user-stream.ts'

interface HistoryOptions extends ClientOptions {
  json: boolean
  at?: string
  limit: string
}

/** `plimsoll history user/42`: what happened to it; `--at TIME`: what it was. Exit 1 when there is, or was, no such user. */
export async function history(stream: string, options: HistoryOptions): Promise<void> {
  const id = userIn(stream)
  const limit = Number(options.limit)
  if (!Number.isInteger(limit) || limit < 1 || limit > 500) throw new CommandError('--limit must be 1 to 500')
  const client = new Client(options)
  const path = `/v1/users/${encodeURIComponent(id)}`
  try {
    if (options.at !== undefined) {
      const { at } = options
      const user = await client.get<UserAnswer>(`${path}?at=${encodeURIComponent(at)}`)
      print(options.json, { at, ...user }, () => described(stream, at, user))
    } else {
      const answer = await client.get<History>(`${path}/history?order=desc&limit=${limit}`)
      const entries = answer.entries.toReversed()
      print(options.json, { id, entries, complete: answer.next === null }, () => [
        ...(answer.next === null ? [] : [dim(`the last ${limit} changes; --limit shows more`)]),
        ...entries.flatMap(lines)
      ])
    }
  } catch (error) {
    if (error instanceof AnsweredError && (error.status === 404 || error.status === 410))
      throw new CommandError(`${stream}: ${error.message}`, exitCodes.failed)
    throw error
  }
}

function lines({ version, at, what, who, why, changes, erased }: HistoryEntry): string[] {
  const gone = dim('erased')
  const shown = (value: string | boolean | null) => (value === null ? (erased ? gone : dim('nothing')) : String(value))
  return [
    `${at}  ${bold(`${version} ${what}`)}  by ${who ?? 'nobody named'}${why === null ? '' : `: ${why}`}`,
    ...changes.map(({ field, before, after }) => `    ${field}: ${shown(before)} → ${shown(after)}`)
  ]
}

function described(stream: string, at: string, user: UserAnswer): string[] {
  const { version, plan, region, flags, erased } = user
  const personal = (value: string | null) => value ?? dim(erased ? 'erased' : 'none')
  const set = Object.entries(flags).map(([name, on]) => (on ? name : `no ${name}`))
  return [
    `${bold(`${stream} as of ${at}`)}  version ${version}`,
    `e-mail ${personal(user.email)}, name ${personal(user.name)}`,
    `plan ${plan}, region ${region}, flags ${set.length > 0 ? set.join(', ') : dim('none')}`
  ]
}
