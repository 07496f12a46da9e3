import { type Resolved, serviceNames, startService } from '@plimsoll/platform'
import { CommandError } from '../exit-codes.ts'

/** `plimsoll serve NAME`: one service as a process of its own, until it is told to stop. */
export async function serve(name: string, { settings }: Resolved): Promise<void> {
  const service = serviceNames.find(n => n === name)
  if (!service) throw new CommandError(`there is no service "${name}"; there are ${serviceNames.join(', ')}`)
  const running = await startService(service, settings)
  const { url, healthUrl, blackBox } = running
  process.stdout.write(`${JSON.stringify({ service, url, healthUrl, blackBox })}\n`)
  const signal = await new Promise<string>(resolve => {
    for (const name of ['SIGTERM', 'SIGINT']) process.once(name, resolve)
  })
  await running.close(signal)
}
