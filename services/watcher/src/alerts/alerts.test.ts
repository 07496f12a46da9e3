import assert from 'node:assert/strict'
import { createHmac } from 'node:crypto'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { createServer, type IncomingHttpHeaders } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { describe, it, type TestContext } from 'node:test'
import type { Diagnosis } from '@plimsoll/recorder'
import { SMTPServer, type SMTPServerOptions } from 'smtp-server'
import { Alerts, type AlertsOptions } from './alerts.ts'
import type { Channel } from './channel.ts'
import { email } from './email.ts'
import type { Message } from './message.ts'
import { webhook } from './webhook.ts'

const noon = Date.UTC(2026, 10, 28, 12)
const secret = 'a secret of the receiver’s'
const ill: Diagnosis = {
  at: noon,
  state: 'degraded',
  summary: 'metadata answers slowly.',
  causes: [
    {
      rule: 'slow-dependency',
      subject: 'metadata',
      title: 'metadata answers slowly',
      evidence: [{ at: noon, text: 'answers take 812 ms' }],
      cost: 'Sessions are stored as unknown.',
      lever: { name: 'circuit breaker', action: 'It opens by itself.', page: 'docs/patterns/circuit-breaker.md' },
      since: noon,
      symptoms: []
    }
  ],
  limits: [],
  lastHeard: {}
}
const well: Diagnosis = { ...ill, state: 'healthy', causes: [] }

/** Alerts over a clock that the test moves on, with a file that outlives them. */
function alerting(t: TestContext, channels: Channel[], over: Partial<AlertsOptions> = {}) {
  const folder = mkdtempSync(join(tmpdir(), 'plimsoll-alerts-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  let now = noon
  const errors: string[] = []
  const file = join(folder, 'incidents.json')
  const start = () =>
    new Alerts({
      file,
      channels,
      page: 'http://127.0.0.1:7071/',
      now: () => now,
      random: () => 1,
      onError: error => errors.push((error as Error).message),
      ...over
    })
  let alerts = start()
  return {
    file,
    errors,
    get alerts() {
      return alerts
    },
    /** The watcher starts again, on what it kept. */
    restart() {
      alerts = start()
    },
    /** Looks every five seconds for so long, and sends what is due at each look. */
    async see(diagnosis: Diagnosis, seconds: number) {
      for (let passed = 0; passed < seconds; passed += 5) {
        now += 5_000
        alerts.observe(diagnosis)
        await alerts.deliver()
      }
    }
  }
}

async function receiver(t: TestContext, answer: (n: number) => number = () => 204) {
  const taken: { message: Message; headers: IncomingHttpHeaders; body: string }[] = []
  const server = createServer(async (request, response) => {
    const body = await text(request)
    taken.push({ message: JSON.parse(body) as Message, headers: request.headers, body })
    response.writeHead(answer(taken.length), { location: 'http://127.0.0.1:1/' })
    response.end('so be it')
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => {
    server.closeAllConnections()
    server.close()
  })
  return { taken, port: (server.address() as AddressInfo).port }
}

async function mailServer(t: TestContext, options: SMTPServerOptions = {}) {
  const letters: { letter: string; to: string[]; secure: boolean; user: unknown }[] = []
  const server = new SMTPServer({
    authOptional: true,
    logger: false,
    onAuth: ({ username, password }, _session, done) =>
      password === 'hunter2' ? done(null, { user: username }) : done(new Error(`no such ${password}`)),
    onData: async (stream, session, done) => {
      // Long lines are folded on the way.
      const letter = (await text(stream)).replaceAll('=\r\n', '')
      const to = session.envelope.rcptTo.map(({ address }) => address)
      letters.push({ letter, to, secure: session.secure, user: session.user })
      done()
    },
    ...options
  })
  server.on('error', () => undefined)
  server.listen(0, '127.0.0.1')
  await once(server.server, 'listening')
  t.after(() => new Promise<void>(resolve => server.close(() => resolve())))
  return { letters, port: (server.server.address() as AddressInfo).port }
}

describe('a webhook', () => {
  it('is told once of each thing that happens to an incident, with the cause and the lever', async t => {
    const { taken, port } = await receiver(t)
    const { see, alerts } = alerting(t, [webhook({ url: `http://127.0.0.1:${port}/hook`, secret })])
    await see(ill, 60)
    await see(well, 150)
    assert.deepEqual(
      taken.map(({ message }) => [message.event, message.incident.title, message.incident.lever.name]),
      [
        ['incident.opened', 'metadata answers slowly', 'circuit breaker'],
        ['incident.closed', 'metadata answers slowly', 'circuit breaker']
      ]
    )
    assert.equal(taken[0]!.message.incident.id, taken[1]!.message.incident.id)
    assert.deepEqual([alerts.waiting, alerts.incidents.past.length], [0, 1])
  })

  it('signs what it sends, as a receiver can tell without us', async t => {
    const { taken, port } = await receiver(t)
    const raw = Buffer.from('thirty-two bytes of a real secret').toString('base64')
    for (const [key, given] of [
      [Buffer.from(secret), secret],
      [Buffer.from(raw, 'base64'), `whsec_${raw}`]
    ] as const) {
      const { see } = alerting(t, [
        webhook({ url: `http://ann:b%40d@127.0.0.1:${port}/`, secret: given, now: () => noon })
      ])
      await see(ill, 30)
      const { headers, body } = taken.at(-1)!
      const signed = `${headers['webhook-id']}.${headers['webhook-timestamp']}.${body}`
      assert.equal(headers['webhook-signature'], `v1,${createHmac('sha256', key).update(signed).digest('base64')}`)
      assert.equal(headers['webhook-timestamp'], String(noon / 1_000))
      assert.equal(headers.authorization, `Basic ${Buffer.from('ann:b@d').toString('base64')}`)
    }
  })

  it('is tried again, later each time, with the same id, and what came after waits its turn', async t => {
    const { taken, port } = await receiver(t, n => [500, 302, 429][n - 1] ?? 200)
    const { see, errors } = alerting(t, [webhook({ url: `http://127.0.0.1:${port}/`, secret })], {
      patience: { openAfterMs: 5_000, closeAfterMs: 5_000 }
    })
    await see(ill, 10)
    await see(well, 40)
    assert.deepEqual(
      taken.map(({ message }) => message.event),
      ['incident.opened', 'incident.opened', 'incident.opened', 'incident.opened', 'incident.closed']
    )
    assert.equal(new Set(taken.slice(0, 4).map(({ headers }) => headers['webhook-id'])).size, 1)
    assert.match(errors.join('; '), /answered 500; .*answered 302; .*answered 429/)
  })

  it('that is not there keeps nothing else waiting, and its secrets are in no error', async t => {
    const { taken, port } = await receiver(t)
    const dead = webhook({ url: 'http://ann:hunter2@127.0.0.1:1/hook?token=hunter2', secret: 'hunter2' })
    const { see, errors, alerts } = alerting(t, [
      dead,
      { ...webhook({ url: `http://127.0.0.1:${port}/`, secret }), name: 'other' }
    ])
    await see(ill, 60)
    assert.equal(taken.length, 1)
    assert.equal(alerts.waiting, 1)
    assert.ok(errors.length > 1)
    assert.doesNotMatch(errors.join(), /hunter2/)
  })

  it('hears nothing twice when the watcher starts again, and hears what it had missed', async t => {
    let up = false
    const { taken, port } = await receiver(t, () => (up ? 200 : 503))
    const alerted = alerting(t, [webhook({ url: `http://127.0.0.1:${port}/`, secret })])
    await alerted.see(ill, 30)
    assert.ok(taken.length > 0)
    taken.length = 0
    up = true
    alerted.restart()
    await alerted.see(ill, 60)
    assert.deepEqual(
      taken.map(({ message }) => message.event),
      ['incident.opened']
    )
    alerted.restart()
    await alerted.see(ill, 60)
    assert.equal(taken.length, 1)
    assert.equal(alerted.alerts.incidents.open?.cause.title, 'metadata answers slowly')
    assert.equal(statSync(alerted.file).mode & 0o077, 0, 'the file is for its owner alone')
  })

  it('starts from nothing where the file is none', t => {
    const alerted = alerting(t, [])
    for (const content of ['', 'null', '[]', '{"following":{"wellMs":0,"open":{}},"past":[],"pending":[]}']) {
      writeFileSync(alerted.file, content)
      alerted.restart()
      assert.deepEqual(alerted.alerts.incidents, { open: undefined, past: [] })
    }
  })
})

describe('a letter', () => {
  it('goes over STARTTLS with a password, says the cause first, and is one thread', async t => {
    const { letters, port } = await mailServer(t)
    const channel = email({
      url: `smtp://ann:hunter2@127.0.0.1:${port}`,
      from: 'plimsoll@ship.example',
      to: 'crew@ship.example, captain@ship.example',
      verify: false
    })
    const { see, errors } = alerting(t, [channel])
    await see(ill, 30)
    await see(well, 150)
    assert.deepEqual(errors, [])
    assert.equal(letters.length, 2)
    const [opened, closed] = letters.map(({ letter }) => letter)
    assert.deepEqual(letters[0]!.to, ['crew@ship.example', 'captain@ship.example'])
    assert.deepEqual([letters[0]!.secure, letters[0]!.user], [true, 'ann'])
    assert.match(opened!, /Subject: \[Plimsoll\] metadata answers slowly/)
    assert.match(opened!, /answers take 812 ms[\s\S]*Sessions are stored as unknown[\s\S]*circuit breaker/)
    assert.match(closed!, /Subject: \[Plimsoll\] over: metadata answers slowly/)
    const [, id] = /^Message-ID: (\S+)/im.exec(opened!)!
    assert.ok(closed!.includes(`In-Reply-To: ${id}`))
  })

  it('that is refused is tried again, and the password is in no error', async t => {
    const { letters, port } = await mailServer(t)
    const channel = email({
      url: `smtp://ann:wrong-hunter@127.0.0.1:${port}`,
      from: 'a@b.example',
      to: 'c@d.example',
      verify: false
    })
    const { see, errors, alerts, file } = alerting(t, [channel])
    await see(ill, 30)
    assert.deepEqual([letters.length, alerts.waiting], [0, 1])
    assert.match(errors[0]!, /did not take it \(EAUTH 535\)/)
    assert.doesNotMatch(errors.join() + readFileSync(file, 'utf8'), /wrong-hunter/)
  })

  it('cannot be made to carry another header by what was recorded', async t => {
    const { letters, port } = await mailServer(t, { disabledCommands: ['STARTTLS', 'AUTH'] })
    const [first] = ill.causes
    const evil = { ...ill, causes: [{ ...first!, title: 'slow\r\nBcc: thief@sea.example\r\n\r\nhello' }] }
    const { see, errors } = alerting(t, [
      email({ url: `smtp://127.0.0.1:${port}`, from: 'a@b.example', to: 'c@d.example' })
    ])
    await see(evil, 30)
    assert.deepEqual(errors, [])
    assert.deepEqual(letters[0]!.to, ['c@d.example'])
    assert.doesNotMatch(letters[0]!.letter, /^Bcc:/im)
  })
})
