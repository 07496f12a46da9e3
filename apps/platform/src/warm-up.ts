import type { FastifyInstance } from 'fastify'

const day = 86_400_000

/**
 * Asks each question of the dashboard a few times before the first person does: the code behind it, here and beside the
 * engine, is then loaded and compiled. The first answer took some hundred milliseconds without, and blocked the event loop
 * for half of them.
 */
export async function warmUp(app: FastifyInstance, adminToken: string): Promise<void> {
  const headers = { authorization: `Bearer ${adminToken}` }
  const to = Date.now()
  for (let days = 1; days <= 5; days++) {
    const range = `from=${new Date(to - days * day).toISOString()}&to=${new Date(to).toISOString()}`
    await app.inject({ url: `/v1/dashboard?project=default&region=nowhere&${range}`, headers })
  }
  await app.inject({ url: '/v1/ledger?project=default', headers })
}
