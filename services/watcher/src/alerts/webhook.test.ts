import assert from 'node:assert/strict'
import { createHmac } from 'node:crypto'
import { once } from 'node:events'
import { statSync, writeFileSync } from 'node:fs'
import { createServer, type IncomingHttpHeaders } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { describe, it, type TestContext } from 'node:test'
import type { Finding } from '@plimsoll/recorder'
import { alerting, ill, noon, well } from './alerting.ts'
import type { Message } from './message.ts'
import { webhook } from './webhook.ts'

const secret = 'a secret of the receiver’s'
const ended: Finding = {
  ...ill.causes[0]!,
  rule: 'platform-killed',
  subject: 'platform',
  evidence: [{ at: noon, text: 'it was ended by SIGKILL', series: 'exit' }],
  until: noon + 800
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
    const kept = (following: object) =>
      JSON.stringify({ following: { wellMs: 0, ...following }, past: [], pending: [] })
    for (const content of ['', 'null', '[]', kept({ open: {} }), kept({ ended: { at: noon, told: 7 } })]) {
      writeFileSync(alerted.file, content)
      alerted.restart()
      const incidents = () => alerted.alerts.incidents
      assert.deepEqual(incidents(), { open: undefined, past: [] })
      alerted.alerts.observe({ ...well, causes: [ended] })
      assert.equal(incidents().open?.cause.rule, 'platform-killed', 'and an end is told all the same')
    }
  })
})
