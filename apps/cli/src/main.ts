import { resolveSettings, SettingError } from '@plimsoll/platform/local'
import { Command, Option } from 'commander'
import { CommandError, exitCodes } from './exit-codes.ts'

const defaultData = () => process.env.PLIMSOLL_DATA ?? '.plimsoll'

const program = new Command('plimsoll')
  .description('Self-hosted session and feature-usage telemetry that stays up, counts once and says why.')
  .version('0.1.0')
  .showHelpAfterError()
  .configureHelp({ sortSubcommands: false })
  .exitOverride(error => {
    process.exit(error.exitCode === 0 ? exitCodes.done : exitCodes.couldNotRun)
  })

/** A command on a running platform: where it is, which project, and how to answer. */
const onPlatform = (command: Command) =>
  command
    .option('--data <dir>', 'data folder of the platform', defaultData())
    .option('--project <name>', 'project', 'default')
    .option('--json', 'one JSON object as the last line', false)

const settingFlags = (command: Command) =>
  command
    .option('--config <file>', 'settings file (default: plimsoll.json when there)')
    .option('--data <dir>', 'data folder')
    .option('--host <address>', 'address to listen on')
    .option('--port <n>', 'port of the platform; 0 = any free one')
    .option('--watcher-port <n>', 'port of the watcher; 0 = any free one')
    .option('--health-port <n>', 'port of the health thread; 0 = any free one')
    .option('--database-url <url>', 'postgres://… in place of the embedded store')
    .option('--metadata-url <url>', 'metadata API to ask in place of the built-in one')
    .option('--metadata-port <n>', 'port of the built-in metadata API')
    .option('--origins <list>', 'whose pages may post events: *, none, or origins with commas between')
    .option('--log-level <level>', 'how much the log says')
    .addOption(new Option('--no-demo', 'no generated traffic on a first start').default(undefined))
    .addOption(new Option('--without-policies', 'no policies around the metadata API (for drills)').default(undefined))
    .addOption(
      new Option('--fault-knobs', 'let drills break the metadata API, the event loop and the store').default(undefined)
    )

const settingsOf = ({ config, withoutPolicies, ...flags }: Record<string, unknown>) =>
  resolveSettings({
    file: config as string | undefined,
    flags: { ...flags, ...(withoutPolicies === undefined ? {} : { policies: false }) }
  })

/** Settings of a start: that they were refused is remembered, for whoever asks later why nothing runs. */
async function settingsToStart(flags: Record<string, unknown>) {
  try {
    return settingsOf(flags)
  } catch (error) {
    if (error instanceof SettingError) {
      const { recordRefusal } = await import('./commands/refused-to-start.ts')
      recordRefusal((flags.data as string | undefined) ?? defaultData(), error.message)
    }
    throw error
  }
}

settingFlags(program.command('up'))
  .description('run the platform and its watcher (the same as `npm start`)')
  .option('--json', 'print addresses as one JSON object when ready', false)
  .action(async ({ json, ...flags }) => (await import('./commands/up.ts')).up(await settingsToStart(flags), json))

settingFlags(program.command('serve'))
  .description('run one service as a process of its own')
  .argument('<name>', 'telemetry, analytics, billing, feed, metadata or users')
  .action(async (name, flags) => (await import('./commands/serve.ts')).serve(name, settingsOf(flags)))

onPlatform(program.command('import'))
  .description('import access logs (Common or Combined format; plain, gzip, or - for stdin)')
  .argument('<files...>')
  .action(async (files, options) => (await import('./commands/import.ts')).importLogs(files, options))

onPlatform(program.command('sessions'))
  .description('list the latest sessions')
  .option('--limit <n>', 'how many', '20')
  .action(async options => (await import('./commands/sessions.ts')).sessions(options))

onPlatform(program.command('stats'))
  .description('the totals of a project')
  .action(async options => (await import('./commands/stats.ts')).stats(options))

const userFields = (command: Command) =>
  onPlatform(command)
    .argument('<stream>', 'as user/42')
    .option('--email <address>', 'e-mail address')
    .option('--name <name>', 'name')
    .option('--plan <plan>', 'plan tier')
    .option('--region <region>', 'region')
    .option(
      '--flag <name=on|off|none>',
      'a feature flag; may be given again',
      (flag, all: string[]) => [...all, flag],
      []
    )
    .option('--reason <why>', 'why, for the history')
    .option('--by <who>', 'who does it, an id and no address (default: admin)')

const users = program.command('users').description('accounts')
userFields(users.command('add'))
  .description('register a user; needs an e-mail address, a plan and a region')
  .action(async (stream, options) => (await import('./commands/users.ts')).addUser(stream, options))
userFields(users.command('change'))
  .description('change what is named of a user')
  .action(async (stream, options) => (await import('./commands/users.ts')).changeUser(stream, options))

onPlatform(program.command('history'))
  .description('who changed what of a user, when and why; with --at, the user as of then')
  .argument('<stream>', 'as user/42')
  .option('--at <time>', 'a moment, as 2026-01-02T03:04:05Z')
  .option('--limit <n>', 'how many changes, the last ones', '50')
  .action(async (stream, options) => (await import('./commands/history.ts')).history(stream, options))

onPlatform(program.command('erase'))
  .description('erase a user for good, and look through the stores for what was left')
  .argument('<stream>', 'as user/42')
  .requiredOption('--reason <code>', 'a code that is kept in clear, as asked or retention')
  .action(async (stream, options) => (await import('./commands/erase.ts')).erase(stream, options))

onPlatform(program.command('views'))
  .description('read models: how old each is, what it costs, and what is being built')
  .action(async options => (await import('./commands/views.ts')).views(options))
onPlatform(program.command('rebuild'))
  .description('build read models anew from the log; the live ones serve until that is done')
  .argument('[names...]', 'which; all when none is named')
  .action(async (names, options) => (await import('./commands/views.ts')).rebuildViews(names, options))

onPlatform(program.command('status'))
  .description('is the platform well?')
  .action(async options => (await import('./commands/status.ts')).status(options))

program
  .command('why')
  .description('what is the matter, since when, and what to do: from the black box, with the platform running or dead')
  .option('--data <dir>', 'data folder of the platform', defaultData())
  .option('--at <time>', 'a moment, as 2026-01-02T03:04:05Z, or how long ago: 90s, 10m, 2h (default: now)')
  .option('--json', 'one JSON object as the last line', false)
  .action(async options => (await import('./commands/why.ts')).why(options))

program
  .command('report')
  .description('write an incident as Markdown and as one HTML file, from what was recorded; the last one, or of a time')
  .option('--data <dir>', 'data folder of the platform', defaultData())
  .option('--at <time>', 'how it stood at a moment, as 2026-01-02T03:04:05Z, or how long ago: 90s, 10m, 2h')
  .option('--from <time>', 'what happened from then on')
  .option('--to <time>', 'and until when')
  .option('--out <dir>', 'where the files go', '.')
  .option('--json', 'one JSON object as the last line', false)
  .action(async options => (await import('./commands/report.ts')).report(options))

onPlatform(program.command('demo'))
  .description('send generated traffic: a week of it, then live until stopped')
  .option('--seed <n>', 'another seed, another week', '1')
  .option('--days <n>', 'days back', '7')
  .option('--sessions-per-day <n>', 'sessions a day', '400')
  .option('--no-live', 'stop after the past')
  .action(async options => (await import('./commands/demo.ts')).demo(options))

const keys = program.command('keys').description('write keys')
onPlatform(keys.command('create'))
  .description('make a write key for a project; it is shown once')
  .option('--backfill', 'the key may send events older than 34 days', false)
  .action(async options => (await import('./commands/keys.ts')).createKey(options))
onPlatform(keys.command('list'))
  .description('the write keys of a project, by their ids')
  .action(async options => (await import('./commands/keys.ts')).listKeys(options))
onPlatform(keys.command('revoke').argument('<id>', 'of the key, from `keys list`, or the key itself'))
  .description('refuse a write key from now on')
  .action(async (id, options) => (await import('./commands/keys.ts')).revokeKey(id, options))

onPlatform(program.command('sign-in'))
  .description('print a one-time link to the console')
  .action(async options => (await import('./commands/sign-in.ts')).signIn(options))

program
  .command('drill')
  .description('break something on purpose, under load, and see what holds')
  .argument('[name]', 'which; without a name they are listed')
  .option('--all', 'all of them, one after another', false)
  .option('--without-policies', 'the same without the policies', false)
  .option('--quick', 'end within 45 seconds', false)
  .option('--reports <dir>', 'write what was said of each fault there, without its name')
  .option('--json', 'one JSON object as the last line', false)
  .action(async (name, options) => (await import('./commands/drill.ts')).drill(name, options))

settingFlags(program.command('config'))
  .description('print the settings in force and where each came from')
  .option('--json', 'one JSON object as the last line', false)
  .action(async ({ json, ...flags }) => (await import('./commands/config.ts')).config(settingsOf(flags), json))

try {
  await program.parseAsync()
} catch (error) {
  if (error instanceof CommandError || error instanceof SettingError) {
    process.stderr.write(`plimsoll: ${error.message}\n`)
    process.exitCode = error instanceof CommandError ? error.exitCode : exitCodes.couldNotRun
  } else {
    process.stderr.write(`plimsoll: ${error instanceof Error ? error.message : String(error)}\n`)
    process.exitCode = exitCodes.failed
  }
}
