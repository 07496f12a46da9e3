import type { Occurrence } from '../record.ts'

type Told = Pick<Occurrence, 'subject' | 'detail'>

const longest = 200
const mostDetails = 16

/** Bounded whatever is given: texts are cut to 200 characters, and of the details the first sixteen are kept. */
export function occurrencePayload(name: string, { subject, detail }: Told): Buffer {
  const kept = detail && Object.entries(detail).slice(0, mostDetails)
  return Buffer.from(
    JSON.stringify({
      name: cut(name),
      ...(subject !== undefined && { subject: cut(subject) }),
      ...(kept && {
        detail: Object.fromEntries(
          kept.map(([key, value]) => [cut(key), typeof value === 'string' ? cut(value) : value])
        )
      })
    })
  )
}

function cut(given: string): string {
  const text = withoutSecrets(given)
  return text.length <= longest ? text : `${text.slice(0, longest - 1)}…`
}

/** What looks like a secret is not written, whoever put it into a message: a password in an address, a token, a key. */
export function withoutSecrets(text: string): string {
  return text
    .slice(0, 4 * longest)
    .replace(/:\/\/[^/\s@]*@/g, '://***@')
    .replace(
      /\b(pass(?:word|wd)?|secret|token|api[-_]?key|authorization)(["']?\s*[:=]\s*["']?)(?:bearer\s+)?[^\s,;"']+/gi,
      '$1$2***'
    )
    .replace(/\bbearer\s+\S+/gi, 'bearer ***')
    .replace(/(?<![\w/.-])(?=[\w-]*\d)(?=[\w-]*[A-Za-z])[\w-]{40,}(?![\w/.-])/g, '***')
}

/** What the payload says, or undefined when it is none. */
export function readOccurrence(payload: Buffer): (Told & { name: string }) | undefined {
  try {
    const { name, subject, detail } = JSON.parse(payload.toString()) as Partial<Occurrence>
    if (typeof name !== 'string') return undefined
    return { name, ...(typeof subject === 'string' && { subject }), ...(isDetail(detail) && { detail }) }
  } catch {
    return undefined
  }
}

const isDetail = (detail: unknown): detail is NonNullable<Occurrence['detail']> =>
  typeof detail === 'object' && detail !== null && !Array.isArray(detail)
