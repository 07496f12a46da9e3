import type { Change, Done, Registration, UserAnswer } from '@plimsoll/service-users/contract'
import { AnsweredError, Client, type ClientOptions } from '../client.ts'
import { CommandError, exitCodes } from '../exit-codes.ts'
import { print } from '../output.ts'
import { userIn } from '../user-stream.ts'

interface Fields {
  email?: string
  name?: string
  plan?: string
  region?: string
  reason?: string
  flag: string[]
}

interface UserOptions extends ClientOptions, Fields {
  json: boolean
  /** Who does it. */
  by?: string
}

/** `plimsoll users add user/42`: registers one. */
export async function addUser(stream: string, options: UserOptions): Promise<void> {
  const id = userIn(stream)
  const body = { id, ...fieldsOf(options) } as Registration
  await tell(options, () => new Client(options).request<Done>('POST', '/v1/users', { body, headers: by(options) }))
}

/** `plimsoll users change user/42`: at the version that is there now. Exit 1 when somebody else was faster. */
export async function changeUser(stream: string, options: UserOptions): Promise<void> {
  const path = `/v1/users/${encodeURIComponent(userIn(stream))}`
  const body: Change = fieldsOf(options)
  if (Object.keys(body).length === 0) throw new CommandError('nothing to change: name a plan, a region, a flag …')
  await tell(options, async () => {
    const client = new Client(options)
    const { version } = await client.get<UserAnswer>(path)
    return client.request<Done>('PATCH', path, { body, headers: { 'if-match': `"${version}"`, ...by(options) } })
  })
}

async function tell({ json }: UserOptions, command: () => Promise<Done>): Promise<void> {
  const done = await command().catch((error: unknown) => {
    // It ran, and the answer is no: there is none, there is one already, or it is another by now.
    const isNo = error instanceof AnsweredError && [404, 409, 410, 412].includes(error.status)
    throw isNo ? new CommandError(error.message, exitCodes.failed) : error
  })
  print(json, done, () => [`user/${done.id} version ${done.version}: ${done.events.join(', ') || 'nothing changed'}`])
}

function fieldsOf({ email, name, plan, region, reason, flag }: UserOptions) {
  const said = Object.entries({ email, name, plan, region, reason }).filter(([, value]) => value !== undefined)
  const flags = Object.fromEntries(flag.map(flagOf))
  return { ...Object.fromEntries(said), ...(flag.length > 0 && { flags }) }
}

/** `beta` and `beta=on`, `beta=off`, and `beta=none` for one that is taken away. */
function flagOf(text: string): [string, boolean | null] {
  const [name = '', value = 'on'] = text.split('=')
  const values: Record<string, boolean | null> = { on: true, off: false, none: null }
  if (!Object.hasOwn(values, value)) throw new CommandError(`--flag ${text}: a flag is on, off or none, as beta=off`)
  return [name, values[value]!]
}

const by = ({ by }: UserOptions): Record<string, string> => (by === undefined ? {} : { 'x-plimsoll-actor': by })
