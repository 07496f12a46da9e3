import assert from 'node:assert/strict'

/** How long `/health` takes in whole milliseconds, each time beside two who ask for the page (P7). */
export async function healthWhilePagesAreRead(url: string): Promise<{ p50: number; p99: number }> {
  const page = async () => (await fetch(`${url}/`)).text()
  const health = async () => {
    const began = performance.now()
    assert.equal((await fetch(`${url}/health`)).status, 503)
    return Math.round(performance.now() - began)
  }
  const times: number[] = []
  for (let n = 0; n < 100; n++) {
    const [, , took] = await Promise.all([page(), page(), health()])
    times.push(took)
  }
  times.sort((a, b) => a - b)
  return { p50: times[50]!, p99: times[98]! }
}
