import { between, pick, seededRandom } from './seeded-random.ts'

/** What an access log must come to, known from how it was made and not from reading it. */
export interface Expected {
  lines: number
  accepted: number
  /** Number of the one line that is refused, from 1. */
  refusedLine: number
  sessions: number
  users: number
  statusClasses: Record<string, number>
  sessionsByDay: Record<string, number>
  /** Uses; perhaps not of all features. */
  features: Record<string, number>
}

export interface GeneratedLog {
  text: string
  expected: Expected
}

export interface LogShape {
  seed: number
  users: number
  sessionsPerUser: number
  /** About so many; from one to twice as many less one. */
  linesPerSession: number
}

/** Requests as a server writes them, each beside the feature it is a use of. Ten features: a list of the top ten has all. */
const requests: readonly (readonly [line: string, feature: string])[] = [
  ['GET / HTTP/1.1', '/'],
  ['GET /?from=harbour HTTP/1.1', '/'],
  ['GET /charts/north-sea.png HTTP/1.1', 'charts'],
  ['GET //charts//baltic.png HTTP/1.0', 'charts'],
  ['POST /charts HTTP/2.0', 'charts'],
  ['GET /sea%20state/today HTTP/1.1', 'sea state'],
  ['GET /%E6%BD%AE/now HTTP/1.1', '潮'],
  ['GET /half%zzdecoded/x HTTP/1.1', 'half%zzdecoded'],
  ['GET http://log.example/tides/tomorrow?port=1#high HTTP/1.1', 'tides'],
  ['OPTIONS * HTTP/1.0', '*'],
  ['PROPFIND /logbook HTTP/1.1', 'logbook'],
  ['HEAD /logbook#today HTTP/1.1', 'logbook'],
  [String.raw`GET /\"buoys\"/7 HTTP/1.1`, '"buoys"'],
  ['GET /presentations/keel?slide=2 HTTP/1.1', 'presentations']
]
const statuses = [200, 200, 200, 200, 200, 200, 206, 204, 301, 304, 304, 101, 403, 404, 404, 500, 503] as const
const agents = [
  'Sextant/2.1 (X11; Linux x86_64)',
  String.raw`Quoted \"Compass\" [1.0]`,
  'Barometer/0.3 - - [01/Jan/2001:00:00:00 +0000]',
  'Łódź/1'
]
const offsets = [0, 0, 0, 120, -210, 840] as const
/** In seconds. A gap of 30 minutes to the second is still the same session; one second more is not. */
const gapsWithin = [0, 1, 7, 300, 1_799, 1_800] as const
const gapsBetween = [1_801, 1_802, 3_600, 20_000] as const

interface Line {
  text: string
  /** Where it stands in the file: mostly by its time. */
  order: number
}

/** A log of users who come back; the same for the same shape. */
export function generateAccessLog({ seed, users, sessionsPerUser, linesPerSession }: LogShape): GeneratedLog {
  const random = seededRandom(seed)
  const expected: Expected = {
    lines: 0,
    accepted: 0,
    refusedLine: 0,
    sessions: 0,
    users,
    statusClasses: {},
    sessionsByDay: {},
    features: {}
  }
  const lines: Line[] = []
  for (let number = 0; number < users; number++) {
    const user = userOf(number)
    let at = Date.UTC(2021, 2, 14) / 1000 + between(random, 0, 2 * 86_400)
    for (let session = 0; session < sessionsPerUser; session++) {
      expected.sessions++
      count(expected.sessionsByDay, new Date(at * 1000).toISOString().slice(0, 10))
      const length = between(random, 1, 2 * linesPerSession - 1)
      for (let line = 0; line < length; line++) {
        if (line > 0) at += pick(random, gapsWithin)
        const [request, feature] = pick(random, requests)
        const status = pick(random, statuses)
        const text = lineOf(user, at, request, status, random)
        // The same request twice in a second, to the letter: both happened.
        const copies = random() < 0.03 ? 2 : 1
        for (let copy = 0; copy < copies; copy++) {
          lines.push({ text, order: placeOf(at, random) })
          count(expected.statusClasses, `${Math.floor(status / 100)}xx`)
          count(expected.features, feature)
        }
      }
      at += pick(random, gapsBetween)
    }
  }
  lines.sort((a, b) => a.order - b.order)
  expected.accepted = lines.length
  expected.lines = lines.length + 1
  expected.refusedLine = between(random, 1, expected.lines)
  lines.splice(expected.refusedLine - 1, 0, { text: cutShort, order: 0 })
  return { text: `${lines.map(({ text }) => text).join('\n')}\n`, expected }
}

const cutShort = '203.0.113.9 - - [14/Mar/2021:10:00:00 +0000] "GET /charts HTTP/1.1" 200 512 "-" "Sext'

interface User {
  address: string
  /** Who signed in, as the server wrote it. */
  name: string
  /** None is a user too, and writes `-`, `""` or nothing at all. */
  agent: string | undefined
}

/** Some share an address and differ in their agent; some have an IPv6 address, a name with a space, or no agent. */
function userOf(number: number): User {
  const household = Math.floor(number / 5)
  return {
    address:
      household % 3 === 1 ? `2001:db8::${(household + 1).toString(16)}` : `198.18.${household >> 8}.${household & 255}`,
    name: household % 4 === 2 ? 'first mate' : '-',
    agent: agents[number % 5]
  }
}

function lineOf(user: User, at: number, request: string, status: number, random: () => number): string {
  const size = status === 304 || status === 204 || status === 101 ? '-' : String(between(random, 0, 90_000))
  const common = `${user.address} - ${user.name} [${timeOf(at, pick(random, offsets))}] "${request}" ${status} ${size}`
  if (user.agent !== undefined) return `${common} "${pick(random, ['-', 'https://log.example/'])}" "${user.agent}"`
  return common + pick(random, ['', ' "-" "-"', ' "" ""'])
}

const months = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec']

/** A moment as a server in some time zone writes it. */
function timeOf(at: number, offset: number): string {
  const local = new Date((at + offset * 60) * 1000).toISOString()
  const zone = `${offset < 0 ? '-' : '+'}${two(Math.floor(Math.abs(offset) / 60))}${two(Math.abs(offset) % 60)}`
  return `${local.slice(8, 10)}/${months[Number(local.slice(5, 7)) - 1]}/${local.slice(0, 4)}:${local.slice(11, 19)} ${zone}`
}

/** Servers write a line when the answer is done: a minute late now and then, and some files are joined out of order. */
function placeOf(at: number, random: () => number): number {
  const chance = random()
  if (chance < 0.002) return at + between(random, -200_000, 200_000)
  return chance < 0.2 ? at + between(random, 0, 90) : at
}

const two = (n: number) => String(n).padStart(2, '0')

function count(into: Record<string, number>, name: string): void {
  into[name] = (into[name] ?? 0) + 1
}
