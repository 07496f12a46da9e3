import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it, type TestContext } from 'node:test'
import { describeSettings, environmentName, resolveSettings, SettingError, settingNames } from './settings.ts'

function fileOf(t: TestContext, content: unknown): string {
  const folder = mkdtempSync(join(tmpdir(), 'plimsoll-settings-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  const file = join(folder, 'plimsoll.json')
  writeFileSync(file, typeof content === 'string' ? content : JSON.stringify(content))
  return file
}
const complains = (message: RegExp, resolve: () => unknown) =>
  assert.throws(resolve, error => {
    assert.ok(error instanceof SettingError)
    assert.equal(error.code, 'PLIMSOLL_BAD_SETTING')
    assert.match(error.message, message)
    return true
  })

describe('settings', () => {
  it('take the bytes of the spool as a number, and 0 for none', () => {
    const bytes = (value: string) =>
      resolveSettings({ environment: { PLIMSOLL_SPOOL_BYTES: value } }).settings.spoolBytes
    assert.deepEqual([bytes('0'), bytes('1000000')], [0, 1_000_000])
    for (const bad of ['999999', '-1', '1.5e6', '256 MB', ''])
      complains(/PLIMSOLL_SPOOL_BYTES: spoolBytes must be whole bytes, 0 or at least 1000000/, () => bytes(bad))
  })

  it('takes days to keep events only from where no key is forgotten too soon', () => {
    const keep = (value: string) =>
      resolveSettings({ environment: { PLIMSOLL_KEEP_EVENTS_DAYS: value } }).settings.keepEventsDays
    assert.deepEqual(['0', '35', '400'].map(keep), [0, 35, 400])
    for (const bad of ['34', '-1', '40.5', 'all'])
      complains(/PLIMSOLL_KEEP_EVENTS_DAYS: keepEventsDays must be whole days, 0 or 35 to 36500/, () => keep(bad))
  })

  it('take the origins whose pages may post from a file as a list, and else as text', t => {
    const listed = ['https://shop.example', 'http://localhost:3000']
    const file = fileOf(t, { origins: listed })
    assert.deepEqual(resolveSettings({ file, environment: {} }).settings.origins, listed)
    const environment = { PLIMSOLL_ORIGINS: 'https://shop.example' }
    const { settings, sources } = resolveSettings({ file, environment })
    assert.deepEqual([settings.origins, sources.origins], [['https://shop.example'], 'environment'])
    assert.equal(resolveSettings({ environment, flags: { origins: 'none' } }).settings.origins, 'none')
    assert.equal(resolveSettings({ environment: {} }).settings.origins, '*')
    complains(/PLIMSOLL_ORIGINS: origins must be a list of origins; https:\/\/shop\.example is one/, () =>
      resolveSettings({ environment: { PLIMSOLL_ORIGINS: 'https://shop.example/' } })
    )
  })

  it('take the collector as an address, or none', () => {
    const endpoint = (value: string) =>
      resolveSettings({ environment: { PLIMSOLL_OTLP_ENDPOINT: value } }).settings.otlpEndpoint
    assert.deepEqual([endpoint(''), endpoint('http://otel:4318')], ['', 'http://otel:4318'])
    for (const bad of ['otel:4318', 'grpc://otel', 'http://'])
      complains(/PLIMSOLL_OTLP_ENDPOINT: otlpEndpoint must be an address/, () => endpoint(bad))
  })

  it('have a default each, which says that it is one', t => {
    const { settings, sources } = resolveSettings({ file: fileOf(t, {}), environment: {} })
    assert.deepEqual(
      [settings.host, settings.port, settings.databaseUrl, settings.policies, settings.faultKnobs],
      ['127.0.0.1', 7070, '', true, false]
    )
    assert.deepEqual(new Set(Object.values(sources)), new Set(['default']))
    assert.equal(Object.keys(sources).length, settingNames.length)
  })

  it('are taken from the file, then the environment, then the flags, and remember which', t => {
    const file = fileOf(t, { host: 'from-file', port: 1, logLevel: 'warn' })
    const environment = { PLIMSOLL_PORT: '2', PLIMSOLL_LOG_LEVEL: 'error', HOME: '/root' }
    const { settings, sources } = resolveSettings({ file, environment, flags: { logLevel: 'fatal', data: undefined } })
    assert.deepEqual([settings.host, settings.port, settings.logLevel], ['from-file', 2, 'fatal'])
    assert.deepEqual(
      [sources.host, sources.port, sources.logLevel, sources.data],
      ['file', 'environment', 'flag', 'default'],
      'a flag that was not given is none'
    )
  })

  it('are named in the environment as they are, in capitals', () => {
    assert.equal(environmentName('readDatabaseUrl'), 'PLIMSOLL_READ_DATABASE_URL')
    const { settings } = resolveSettings({ environment: { PLIMSOLL_READ_DATABASE_URL: 'postgres://x' } })
    assert.equal(settings.readDatabaseUrl, 'postgres://x')
  })

  it('that nobody knows are an error that says where they stand', t => {
    const file = fileOf(t, { prot: 7070 })
    complains(/plimsoll\.json: there is no setting "prot"/, () => resolveSettings({ file, environment: {} }))
    complains(/variable PLIMSOLL_PROT: there is no setting/, () =>
      resolveSettings({ environment: { PLIMSOLL_PROT: '1' } })
    )
    complains(/--prot: there is no setting "prot"/, () =>
      resolveSettings({ environment: {}, flags: { prot: 1 } as never })
    )
    const inherited = fileOf(t, '{"__proto__": {}, "constructor": 1}')
    complains(/no setting "__proto__"/, () => resolveSettings({ file: inherited, environment: {} }))
  })

  it('of tests and commands share the prefix and are no settings', () => {
    resolveSettings({ environment: { PLIMSOLL_TEST: '1', PLIMSOLL_FAIL_ON_SKIP: '1', OTHER_PORT: 'x' } })
  })

  it('with a value that cannot be are an error that says where it stands and what it must be', t => {
    for (const port of ['x', '-1', '65536', '70.5', '', ' 7070', '7e3']) {
      complains(/PLIMSOLL_PORT: port must be a port, 0 to 65535/, () =>
        resolveSettings({ environment: { PLIMSOLL_PORT: port } })
      )
    }
    for (const port of [-1, 65_536, 70.5, null, [7070], true]) {
      complains(/plimsoll\.json: port must be a port/, () =>
        resolveSettings({ file: fileOf(t, { port }), environment: {} })
      )
    }
    complains(/PLIMSOLL_DEMO: demo must be true or false/, () =>
      resolveSettings({ environment: { PLIMSOLL_DEMO: 'yes' } })
    )
    complains(/--logLevel: logLevel must be one of fatal, error/, () =>
      resolveSettings({ environment: {}, flags: { logLevel: 'loud' } })
    )
    complains(/host must be text/, () => resolveSettings({ file: fileOf(t, { host: 7 }), environment: {} }))
  })

  it('are read from text where only text can be given', () => {
    const environment = { PLIMSOLL_PORT: '0', PLIMSOLL_DEMO: '0', PLIMSOLL_FAULT_KNOBS: 'true' }
    const { settings } = resolveSettings({ environment })
    assert.deepEqual([settings.port, settings.demo, settings.faultKnobs], [0, false, true])
  })

  it('are an error when the file is not there, is not JSON, or holds no object', t => {
    complains(/nowhere\.json/, () => resolveSettings({ file: '/nowhere.json', environment: {} }))
    for (const content of ['{', '[]', 'null', '7']) {
      complains(/plimsoll\.json/, () => resolveSettings({ file: fileOf(t, content), environment: {} }))
    }
  })

  it('are listed with their value, source and meaning', t => {
    const listed = describeSettings(resolveSettings({ file: fileOf(t, { port: 1 }), environment: {} }))
    assert.deepEqual(
      listed.map(setting => setting.name),
      settingNames
    )
    assert.deepEqual(
      listed.filter(setting => setting.name === 'port').map(({ value, source }) => [value, source]),
      [[1, 'file']]
    )
    assert.ok(listed.every(setting => setting.help.length > 10))
  })
})

describe('secrets', () => {
  const shown = (
    name: 'databaseUrl' | 'metadataUrl' | 'brokerUrl' | 'alertsWebhookUrl' | 'alertsWebhookSecret' | 'alertsSmtpUrl',
    value: string
  ) =>
    describeSettings(resolveSettings({ environment: {}, flags: { [name]: value } })).find(s => s.name === name)!.value

  it('are not shown; the rest of the address is', () => {
    assert.equal(shown('databaseUrl', 'postgres://me:hunter2@db:5432/main'), 'postgres://me:***@db:5432/main')
    assert.equal(
      shown('databaseUrl', 'postgres://me@db/main?sslmode=require&password=hunter2'),
      'postgres://me@db/main?sslmode=require&password=***'
    )
    assert.equal(shown('metadataUrl', 'http://me:hunter2@metadata:80'), 'http://me:***@metadata/')
    assert.equal(shown('databaseUrl', ''), '')
  })

  it('of alerts are not shown: neither a key, nor a password, nor the path of a hook', () => {
    assert.equal(
      shown('alertsWebhookUrl', 'https://me:hunter2@hooks.example/T1/hunter2?k=hunter2'),
      'https://hooks.example/***'
    )
    assert.equal(shown('alertsWebhookSecret', 'hunter2'), '***')
    assert.equal(shown('alertsSmtpUrl', 'smtp://me:hunter2@mail.example:587'), 'smtp://me:***@mail.example:587')
    for (const bad of ['mail.example:587', 'http://mail.example', 'smtp://', 'smtp:hunter2'])
      complains(/PLIMSOLL_ALERTS_SMTP_URL: alertsSmtpUrl must be an address, smtp/, () =>
        resolveSettings({ environment: { PLIMSOLL_ALERTS_SMTP_URL: bad } })
      )
  })

  it('of a broker are not shown, and an address that no adapter takes is refused', () => {
    assert.equal(shown('brokerUrl', 'redis://me:hunter2@cache:6379/0'), 'redis://me:***@cache:6379/0')
    assert.equal(shown('brokerUrl', 'amqps://me:hunter2@rabbit/shop'), 'amqps://me:***@rabbit/shop')
    for (const good of ['nats://n:4222', 'kafka://a:9092', 'kafka://a:9092,b:9092', 'pubsub-emulator://h:8085/shop'])
      assert.equal(shown('brokerUrl', good), good)
    for (const bad of [
      'cache:6379',
      'http://cache',
      'redis://a,redis://b',
      'nats://me:hunter2@n',
      'kafka://a,me:hunter2@b',
      'pubsub-emulator://h:8085'
    ])
      complains(/PLIMSOLL_BROKER_URL: brokerUrl must be an address of a broker that is known: redis/, () =>
        resolveSettings({ environment: { PLIMSOLL_BROKER_URL: bad } })
      )
    complains(/PLIMSOLL_BROKER_TOPIC: brokerTopic must be 1 to 80/, () =>
      resolveSettings({ environment: { PLIMSOLL_BROKER_TOPIC: 'My Topic' } })
    )
  })

  it('are not shown either when the address is none', () => {
    for (const value of ['hunter2', 'host=db password=hunter2', 'db:5432 password=hunter2', 'postgres:hunter2']) {
      assert.doesNotMatch(String(shown('databaseUrl', value)), /hunter2/, value)
    }
  })

  it('are in no complaint', t => {
    const file = fileOf(t, { databaseUrl: ['postgres://me:hunter2@db'] })
    assert.throws(
      () => resolveSettings({ file, environment: {} }),
      error => !String(error).includes('hunter2')
    )
  })
})
