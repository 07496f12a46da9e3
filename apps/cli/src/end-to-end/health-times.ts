import assert from 'node:assert/strict'

/** How long `/health` takes, in whole milliseconds, while eight readers ask for the page as fast as they get it (P7). */
export async function healthWhilePagesAreRead(url: string): Promise<{ p50: number; p99: number }> {
  let reading = true
  const readers = Array.from({ length: 8 }, async () => {
    while (reading) await (await fetch(`${url}/`)).text()
  })
  const times: number[] = []
  for (let n = 0; n < 200; n++) {
    const began = performance.now()
    assert.equal((await fetch(`${url}/health`)).status, 503)
    times.push(Math.round(performance.now() - began))
  }
  reading = false
  await Promise.all(readers)
  times.sort((a, b) => a - b)
  return { p50: times[100]!, p99: times[198]! }
}
