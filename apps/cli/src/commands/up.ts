import { resolve } from 'node:path'
import { ensureBuilt } from '@plimsoll/console'
import {
  DataDirectory,
  DirectoryLockedError,
  holdsSession,
  platformModule,
  type Resolved
} from '@plimsoll/platform/local'
import { startWatcher } from '@plimsoll/service-watcher'
import { incidentsIn } from '../alerts-in-force.ts'
import { CommandError, exitCodes } from '../exit-codes.ts'
import { bold, dim } from '../output.ts'

/** `plimsoll up`: this process becomes the watcher, and runs the platform as a second one. */
export async function up({ settings }: Resolved, json: boolean): Promise<void> {
  const data = new DataDirectory(resolve(settings.data))
  const lock = takeFolder(data)
  try {
    await watch(data, settings, json)
  } finally {
    lock.release()
  }
}

/** Before anything is written there: the address of a watcher that runs must not be lost to one that cannot. */
function takeFolder(data: DataDirectory) {
  try {
    return data.lock()
  } catch (error) {
    if (!(error instanceof DirectoryLockedError)) throw error
    throw new CommandError(
      `Plimsoll runs in ${data.path} already, as process ${error.pid}; stop that one, or name another folder with --data`
    )
  }
}

async function watch(data: DataDirectory, settings: Resolved['settings'], json: boolean): Promise<void> {
  const say = (line: string) => void (json || process.stdout.write(`${line}\n`))
  const consoleDist = await ensureBuilt({ log: line => say(dim(line)) })
  say(dim(`Data in ${data.path}. A first start makes the stores, which takes some seconds.`))
  let watcherUrl = ''
  const watcher = await startWatcher({
    module: platformModule,
    start: url => ({ settings: { ...settings, data: data.path }, consoleDist, watcherUrl: url }),
    host: settings.host,
    port: settings.watcherPort,
    exitsFile: data.file('exits.json'),
    blackBox: { directory: data.file('recorder/watcher'), data: data.path },
    recorder: data.file('recorder'),
    incidents: incidentsIn(data, settings),
    // To this machine alone all is shown, as it always was; to others what they may see in the console.
    maySeeNumbers: ({ cookie }) => isLoopback(settings.host) || holdsSession(cookie, data.secret, Date.now()),
    onRecorderError: error =>
      process.stderr.write(`plimsoll: no black box of the watcher: ${(error as Error).message}\n`),
    onListening(url) {
      watcherUrl = url
      data.writeWatcher({ url, pid: process.pid })
    },
    onReady({ url, healthUrl, signInLink }, restarts) {
      if (json) process.stdout.write(`${JSON.stringify({ url, signInLink, watcherUrl, healthUrl, restarts })}\n`)
      else if (restarts > 0) say(`The platform is up again after restart ${restarts}.`)
      else {
        say('')
        say(`  ${bold('Plimsoll is up')}`)
        say(`  Console   ${signInLink}   ${dim('(works once; `npx plimsoll sign-in` prints another)')}`)
        say(`  Ingest    ${url}/v1/events   ${dim(`(OpenAPI: ${url}/openapi.json)`)}`)
        say(`  Health    ${healthUrl}/ready   ${dim('(/health, /startup; from a thread of its own)')}`)
        say(`  Watcher   ${watcherUrl}   ${dim('(/health, /ready, and what was last known)')}`)
        say('')
      }
    },
    onExit({ code, signal, restartInMs }) {
      if (restartInMs !== undefined)
        say(`The platform ended (${signal ?? `exit ${code}`}); starting it again in ${restartInMs} ms.`)
    }
  }).catch(error => {
    throw new CommandError(
      `cannot listen on ${settings.host}:${settings.watcherPort} for the watcher: ${(error as Error).message}`
    )
  })
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => watcher.stop(signal))
  const { code, complaint } = await watcher.ended
  if (code !== exitCodes.done)
    throw new CommandError(complaint ?? 'the platform could not start; its log says why', code)
}

const isLoopback = (host: string) => /^(localhost|127(\.\d+){3}|::1)$/.test(host)
