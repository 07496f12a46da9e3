import assert from 'node:assert/strict'
import { createHmac } from 'node:crypto'
import { type TestContext, test } from 'node:test'
import { createServer } from '@plimsoll/http'
import { SignIn } from './sign-in.ts'

const day = 86_400_000
const secret = 'the-secret-of-the-tests'

async function board(t: TestContext) {
  const clock = { now: 1_700_000_000_000 }
  const signIn = new SignIn(secret, () => clock.now)
  const app = await createServer({ title: 'Sign-in', version: '1' })
  await app.register(async scope => signIn.routes(scope, request => request.headers.authorization === 'Bearer admin'))
  t.after(() => app.close())
  const redeem = (token: unknown) => app.inject({ method: 'POST', url: '/v1/sign-in', payload: { token } })
  const me = async (cookie?: string) =>
    (await app.inject({ url: '/v1/me', headers: cookie === undefined ? {} : { cookie } })).statusCode
  const signedIn = async () => String((await redeem(signIn.newToken())).headers['set-cookie']).split(';')[0]!
  return { app, clock, signIn, redeem, me, signedIn }
}

test('a link signs in, once', async t => {
  const { signIn, redeem, me } = await board(t)
  const token = signIn.newToken()
  const answer = await redeem(token)
  assert.deepEqual([answer.statusCode, answer.body], [204, ''])
  const [cookie, ...attributes] = String(answer.headers['set-cookie']).split('; ')
  assert.deepEqual(attributes, ['Path=/', 'Max-Age=2592000', 'HttpOnly', 'SameSite=Strict'])
  assert.equal(await me(cookie), 200)
  assert.equal(await me(`other=1; ${cookie}; more=2`), 200)
  const again = await redeem(token)
  assert.deepEqual(
    [again.statusCode, again.json().code, again.headers['set-cookie']],
    [401, 'sign_in_refused', undefined]
  )
})

test('a link that was never made does not', async t => {
  const { redeem } = await board(t)
  for (const token of ['', 'x', '__proto__', 'x'.repeat(200)]) assert.equal((await redeem(token)).statusCode, 401)
  for (const token of [7, null, 'x'.repeat(201)]) assert.equal((await redeem(token)).statusCode, 400)
})

test('a link runs out after a day', async t => {
  const { clock, signIn, redeem } = await board(t)
  const [early, late] = [signIn.newToken(), signIn.newToken()]
  clock.now += day - 1
  assert.equal((await redeem(early)).statusCode, 204)
  clock.now += 1
  assert.equal((await redeem(late)).statusCode, 401)
})

test('a sign-in runs out after thirty days', async t => {
  const { clock, signedIn, me } = await board(t)
  const cookie = await signedIn()
  clock.now += 30 * day - 1
  assert.equal(await me(cookie), 200)
  clock.now += 1
  assert.equal(await me(cookie), 401)
})

test('a cookie that was not made here signs nobody in', async t => {
  const { clock, signedIn, me } = await board(t)
  const cookie = await signedIn()
  const [name, value] = cookie.split('=') as [string, string]
  const [until, signature] = value.split('.') as [string, string]
  const later = Number(until) + day
  const signedBy = (key: string, ms: number | string) =>
    createHmac('sha256', key).update(`console/${ms}`).digest('base64url')
  for (const forged of [
    '',
    value,
    `${name}=`,
    `${name}=${until}`,
    `${name}=${later}.${signature}`,
    `${name}=${until}.${signature.slice(0, -1)}`,
    `${name}=${value}x`,
    `${name}=${later}.${signedBy('another secret', later)}`,
    `${name}=Infinity.${signedBy('', 'Infinity')}`,
    `${name}=${clock.now - 1}.${signedBy(secret, clock.now - 1)}`,
    `${name}=0x${Number(until).toString(16)}.${signature}`,
    `${name}=${'9'.repeat(5_000)}.${signature}`,
    `x${cookie}`
  ]) {
    assert.equal(await me(forged), 401, forged)
  }
  assert.deepEqual([await me(), await me(cookie)], [401, 200])
})

test('a sign-in is good for another start with the same secret, and for none with another', async t => {
  const { clock, signedIn } = await board(t)
  const request = { headers: { cookie: await signedIn() } }
  assert.equal(new SignIn(secret, () => clock.now).isSignedIn(request), true)
  assert.equal(new SignIn('another', () => clock.now).isSignedIn(request), false)
})

test('signing out takes the cookie away', async t => {
  const { app } = await board(t)
  const answer = await app.inject({ method: 'POST', url: '/v1/sign-out' })
  assert.equal(answer.statusCode, 204)
  assert.match(String(answer.headers['set-cookie']), /^plimsoll_session=; Path=\/; Max-Age=0;/)
})

test('links are made for the admin alone, and a hundred of them wait at most', async t => {
  const { app, redeem } = await board(t)
  const make = (token: string) =>
    app.inject({ method: 'POST', url: '/v1/sign-in-links', headers: { authorization: `Bearer ${token}` } })
  assert.equal((await make('anybody')).statusCode, 401)
  const tokens: string[] = []
  for (let n = 0; n < 101; n++) tokens.push((await make('admin')).json().token)
  assert.equal(new Set(tokens).size, 101)
  assert.equal((await redeem(tokens[0])).statusCode, 401, 'the oldest was forgotten')
  assert.equal((await redeem(tokens[1])).statusCode, 204)
  assert.equal((await redeem(tokens[100])).statusCode, 204)
})
