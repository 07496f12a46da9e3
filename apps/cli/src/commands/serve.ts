import { type Resolved, serviceNames, startService } from '@plimsoll/platform'
import { CommandError } from '../exit-codes.ts'

/** `plimsoll serve NAME`: one service as a process of its own, until it is told to stop. */
export async function serve(name: string, { settings }: Resolved): Promise<void> {
  const service = serviceNames.find(n => n === name)
  if (!service) throw new CommandError(`there is no service "${name}"; there are ${serviceNames.join(', ')}`)
  const running = await startService(service, settings)
  process.stdout.write(`${JSON.stringify({ service, url: running.url, healthUrl: running.healthUrl })}\n`)
  await new Promise<void>(resolve => {
    process.once('SIGTERM', resolve)
    process.once('SIGINT', resolve)
  })
  await running.close()
}
