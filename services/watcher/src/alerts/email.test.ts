import assert from 'node:assert/strict'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { describe, it, type TestContext } from 'node:test'
import { SMTPServer, type SMTPServerOptions } from 'smtp-server'
import { alerting, ill, well } from './alerting.ts'
import { email } from './email.ts'

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
