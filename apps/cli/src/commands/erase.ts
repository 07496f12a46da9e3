import type { ErasureAnswer } from '@plimsoll/service-users/contract'
import { AnsweredError, Client, type ClientOptions } from '../client.ts'
import { CommandError, exitCodes } from '../exit-codes.ts'
import { number, print } from '../output.ts'
import { userIn } from '../user-stream.ts'

interface EraseOptions extends ClientOptions {
  json: boolean
  reason: string
}

/** The scan reads whole disks: it may take so long, in milliseconds. */
const timeoutMs = 1_800_000

/** `plimsoll erase user/42 --reason asked`: for good, with the receipt. Exit 1 when something of the user was found. */
export async function erase(stream: string, options: EraseOptions): Promise<void> {
  const id = userIn(stream)
  let receipt: ErasureAnswer
  try {
    receipt = await new Client(options).request<ErasureAnswer>('POST', `/v1/users/${encodeURIComponent(id)}/erase`, {
      body: { reason: options.reason },
      timeoutMs
    })
  } catch (error) {
    if (error instanceof AnsweredError && error.status === 404)
      throw new CommandError(`${stream}: ${error.message}`, exitCodes.failed)
    throw error
  }
  print(options.json, receipt, () => describe(stream, receipt))
  if (!receipt.scan || receipt.scan.found.length > 0) process.exitCode = exitCodes.failed
}

function describe(stream: string, { erasedAt, scan }: ErasureAnswer): string[] {
  const lines = [`${stream} was erased at ${erasedAt}: the key is destroyed`]
  if (!scan) return [...lines, 'nobody looked for what was left: the scan was cut off']
  const { texts, tooShort, tooMany, tables, files, bytes, found } = scan
  return [
    ...lines,
    `looked for ${texts} personal values in ${tables} tables and ${number(files)} files (${number(Math.round(bytes / 1e6))} MB)`,
    ...(tooShort > 0 ? [`${tooShort} were too short to look for`] : []),
    ...(tooMany > 0 ? [`${tooMany} were too many to look for`] : []),
    ...(found.length === 0 ? ['none was found'] : found.map(({ what, where }) => `found: ${what} in ${where}`))
  ]
}
