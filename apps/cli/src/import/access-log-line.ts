/** One line of an access log in the Common or the Combined Log Format (Apache httpd, `mod_log_config`). */
export interface AccessLogLine {
  address: string
  time: Date
  method: string
  /** The request target as it was sent: a path with its query, an absolute URL, or `*`. */
  path: string
  status: number
  /** Of the answer's body; `-` in the log is 0. */
  bytes: number
  /** Left out when the line has none, or `-`. */
  referrer?: string
  userAgent?: string
}

export type LineRefusal = {
  code: 'line_too_long' | 'malformed_line' | 'malformed_time' | 'malformed_request' | 'malformed_status'
  detail: string
}

/** In bytes; a longer line is refused unread. Servers limit a request line and its headers to 8 KB each by default. */
export const lineLimit = 32 * 1024

const months = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec']
const time = /^(\d\d)\/([A-Z][a-z]{2})\/(\d{4}):(\d\d):(\d\d):(\d\d) ([+-])(\d\d)([0-5]\d)$/
/** RFC 9110: a method is a token; a target has no spaces in it. */
const request = /^([!#$%&'*+.^_`|~0-9A-Za-z-]{1,64}) (\S+) HTTP\/\d(?:\.\d)?$/
const numbers = /^ (\d{3}|-) (\d{1,15}|-)$/

/**
 * Reads a line, or says what is wrong with it. It is strict: a line that was cut short, or that goes on after its last
 * field, is refused rather than guessed at. It looks at each character once or twice, whatever the line holds.
 */
export function parseAccessLogLine(line: string): AccessLogLine | LineRefusal {
  if (line.length > lineLimit) return refuse('line_too_long', `the line has more than ${lineLimit} characters`)
  const addressEnd = line.indexOf(' ')
  const timeStart = line.indexOf(' [', addressEnd)
  if (addressEnd <= 0 || timeStart < 0)
    return refuse('malformed_line', "there is no address followed by a time in '[…]'")
  // The identity and the user stand between: two fields, of which the user may hold spaces.
  if (!line.slice(addressEnd + 1, timeStart).includes(' ')) {
    return refuse('malformed_line', 'the identity or the user is missing before the time')
  }
  const timeEnd = line.indexOf(']', timeStart)
  if (timeEnd < 0) return refuse('malformed_line', "the time has no closing ']'")
  const at = parseTime(line.slice(timeStart + 2, timeEnd))
  if (at === undefined) {
    return refuse('malformed_time', 'the time is not a date such as 17/May/2015:10:05:03 +0000, from 1970 on')
  }

  const requested = quoted(line, timeEnd + 1)
  if (requested === undefined) return refuse('malformed_line', 'the request is not in quotes, or they are not closed')
  const referrerStart = indexOrEnd(line, ' "', requested.end)
  const [, status, bytes] = numbers.exec(line.slice(requested.end, referrerStart)) ?? []
  if (status === undefined || bytes === undefined) {
    return refuse('malformed_line', 'the request is not followed by a status and a size')
  }
  const rest = combinedFields(line, referrerStart)
  if (rest === undefined) {
    return refuse('malformed_line', 'the referrer and the user agent are not two fields in closed quotes at the end')
  }

  const [, method, path] = request.exec(requested.text) ?? []
  if (method === undefined || path === undefined) {
    return refuse('malformed_request', "the request is not a method, a target and 'HTTP/…'")
  }
  if (!/^[1-5]/.test(status)) return refuse('malformed_status', 'the status is not a number from 100 to 599')
  const address = line.slice(0, addressEnd)
  return { address, time: at, method, path, status: Number(status), bytes: bytes === '-' ? 0 : Number(bytes), ...rest }
}

function parseTime(text: string): Date | undefined {
  const [, day, monthName, year, hour, minute, second, sign, offsetHours, offsetMinutes] = time.exec(text) ?? []
  if (day === undefined) return
  const month = months.indexOf(monthName!)
  const date = new Date(Date.UTC(Number(year), month, Number(day)))
  // A 31st of June would roll over into July; a leap second may be written as 60.
  const exists = month >= 0 && Number(year) >= 1970 && date.getUTCMonth() === month && date.getUTCDate() === Number(day)
  if (!exists || Number(hour) > 23 || Number(minute) > 59 || Number(second) > 60 || Number(offsetHours) > 14) return
  const seconds = Number(hour) * 3600 + Number(minute) * 60 + Number(second)
  const offset = (Number(offsetHours) * 3600 + Number(offsetMinutes) * 60) * (sign === '-' ? -1 : 1)
  const at = new Date(date.getTime() + (seconds - offset) * 1000)
  return at.getTime() < 0 ? undefined : at
}

/** Nothing, or a referrer and a user agent; `undefined` when it is neither. */
function combinedFields(line: string, from: number): { referrer?: string; userAgent?: string } | undefined {
  if (from === line.length) return {}
  const referrer = quoted(line, from)
  const userAgent = referrer && quoted(line, referrer.end)
  if (userAgent?.end !== line.length) return
  return { ...present('referrer', referrer?.text), ...present('userAgent', userAgent.text) }
}

function present<Name extends string>(name: Name, text: string | undefined): { [key in Name]?: string } {
  return text === undefined || text === '-' || text === '' ? {} : ({ [name]: text } as { [key in Name]?: string })
}

/** The field in quotes that begins after a space at `from`. Only `\"` and `\\` are undone; `\xhh` says what the bytes were. */
function quoted(line: string, from: number): { text: string; end: number } | undefined {
  if (line[from] !== ' ' || line[from + 1] !== '"') return
  const start = from + 2
  for (let at = start; at < line.length; at++) {
    if (line[at] === '\\') at++
    else if (line[at] === '"') return { text: line.slice(start, at).replace(/\\(["\\])/g, '$1'), end: at + 1 }
  }
}

function indexOrEnd(line: string, text: string, from: number): number {
  const index = line.indexOf(text, from)
  return index < 0 ? line.length : index
}

function refuse(code: LineRefusal['code'], detail: string): LineRefusal {
  return { code, detail }
}
