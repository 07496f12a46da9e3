import { line } from './bounds.ts'

const entities: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' }

/** Recorded text as HTML text or attribute: cut to a line, and never markup. */
export function html(text: string): string {
  return line(text).replace(/[&<>"']/g, c => entities[c]!)
}

/** The same, where what stands between backticks is a command or a name. */
export function htmlWithCode(text: string): string {
  return withCode(text, html, code => `<code>${html(code)}</code>`)
}

/** Recorded text as Markdown text: never a heading, a link, a table cell's end or markup. */
export function markdown(text: string): string {
  return (
    line(text)
      .replace(/[\\*[\]|~`#!]/g, c => `\\${c}`)
      // Inside a word an underscore means nothing.
      .replace(/(?<![\p{L}\p{N}])_|_(?![\p{L}\p{N}])/gu, '\\_')
      .replace(/[&<>]/g, c => entities[c]!)
      // An address that somebody sent us must not become a link.
      .replaceAll('://', ':\\/\\/')
      .replace(/^[-+=]/, '\\$&')
      .replace(/^(\d+)([.)])(?=\s|$)/, '$1\\$2')
  )
}

export function markdownWithCode(text: string): string {
  return withCode(text, markdown, code => `\`${line(code)}\``)
}

function withCode(text: string, plain: (text: string) => string, code: (text: string) => string): string {
  const parts = line(text).split('`')
  // Backticks that are not in pairs mean nothing.
  if (parts.length % 2 === 0) return plain(text)
  return parts
    .map((part, index) => {
      if (part === '') return ''
      if (index % 2 === 1) return code(part)
      // Spaces beside a command are part of the sentence.
      const [before = ''] = /^ */.exec(part)!
      const [after = ''] = / *$/.exec(part.trimStart())!
      return before + plain(part) + after
    })
    .join('')
}
