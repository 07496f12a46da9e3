/**
 * A process that records with the SDK until it is told to stop or killed: `FOLDER ENDPOINT KEY EVENTS`. It says how many
 * events it has recorded after each ten, and then waits.
 */
import { init } from '../node/index.ts'

const [folder, endpoint, key, events] = process.argv.slice(2) as [string, string, string, string]
const client = init({ folder, endpoint, key, user: 'worker', flushMs: 20 })
let recorded = 1
const more = setInterval(() => {
  for (let n = 0; n < 10 && recorded < Number(events); n++) {
    client.feature('work', { n: recorded })
    recorded++
  }
  console.log(recorded)
  if (recorded >= Number(events)) clearInterval(more)
}, 1)
// Only a kill ends it.
setInterval(() => undefined, 60_000)
