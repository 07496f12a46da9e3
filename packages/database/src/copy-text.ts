import { encodeParameter } from './values.ts'

const special = /[\\\t\n\r]/
const specials = /[\\\t\n\r]/g
const escapes: Record<string, string> = { '\\': '\\\\', '\t': '\\t', '\n': '\\n', '\r': '\\r' }

/** Escapes one value for COPY's text format; null and undefined become NULL. */
export function copyValue(value: unknown): string {
  const text = typeof value === 'string' ? value : encodeParameter(value)
  if (text === null) return '\\N'
  return special.test(text) ? text.replace(specials, c => escapes[c]!) : text
}

/** One line of COPY text from the values of a row, in the order of the columns. */
export function copyRow(values: readonly unknown[]): string {
  let line = ''
  for (let i = 0; i < values.length; i++) line += i === 0 ? copyValue(values[i]) : `\t${copyValue(values[i])}`
  return `${line}\n`
}
