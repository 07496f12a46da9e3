/**
 * The modules a source file names, found in its text.
 *
 * The text is read as tokens first, so that a comment, a string or a template that only looks like an import is not one.
 * A parser would be exact; this needs none, and errs only where a regular expression hides a quote (it ends at the line).
 */

type Token = { kind: 'word' | 'string' | 'mark'; text: string }

/** Every specifier of `import`, `export … from`, `import()`, `import.meta.resolve()`, and code named by `new URL(…, import.meta.url)`. */
export function importsOf(source: string): string[] {
  const tokens = tokenize(source)
  const found = new Set<string>()
  for (let i = 0; i < tokens.length; i++) {
    const token = tokens[i]!
    if (token.kind !== 'string') continue
    const before = (distance: number) => tokens[i - distance]?.text ?? ''
    const sentence = [before(4), before(3), before(2), before(1)]
    if (before(1) === 'from' && before(2) !== '.') found.add(token.text)
    else if (before(1) === 'import') found.add(token.text)
    else if (before(1) === '(' && before(2) === 'import') found.add(token.text)
    else if (before(1) === '(' && before(2) === 'resolve' && before(4) === 'meta') found.add(token.text)
    else if (sentence.slice(1).join(' ') === 'new URL (' && /^\..*\.[cm]?[jt]sx?$/.test(token.text))
      found.add(token.text)
  }
  return [...found]
}

const wordStart = /[\p{L}_$#]/u
const wordPart = /[\p{L}\p{N}_$]/u
/** After one of these a slash begins a regular expression; after anything else it divides. */
const beforeRegularExpression = /^(?:[-(,=:[!&|?{};+*%<>~^]|return|typeof|case|in|of|do|else|void|delete|=>)$/

function tokenize(source: string): Token[] {
  const tokens: Token[] = []
  /** One entry for each template we are inside of: how many braces its current `${` has open. */
  const templates: number[] = []
  let at = 0

  while (at < source.length) {
    const character = source[at]!
    const next = source[at + 1]
    if (/\s/.test(character)) at++
    else if (character === '/' && next === '/') at = endOr(source.indexOf('\n', at), source)
    else if (character === '/' && next === '*') at = endOr(source.indexOf('*/', at + 2) + 1, source) + 1
    else if (character === "'" || character === '"') at = string(at, character)
    else if (character === '`') at = template(at + 1)
    else if (character === '/' && beforeRegularExpression.test(tokens.at(-1)?.text ?? '(')) at = regularExpression(at)
    else if (wordStart.test(character)) at = word(at)
    else at = mark(at, character)
  }
  return tokens

  function string(from: number, quote: string): number {
    let end = from + 1
    while (end < source.length && source[end] !== quote && source[end] !== '\n') end += source[end] === '\\' ? 2 : 1
    tokens.push({ kind: 'string', text: source.slice(from + 1, end) })
    return end + 1
  }

  function template(from: number): number {
    let end = from
    while (end < source.length && source[end] !== '`') {
      if (source[end] === '$' && source[end + 1] === '{') {
        templates.push(0)
        tokens.push({ kind: 'mark', text: '{' })
        return end + 2
      }
      end += source[end] === '\\' ? 2 : 1
    }
    tokens.push({ kind: 'mark', text: '`' })
    return end + 1
  }

  function regularExpression(from: number): number {
    let end = from + 1
    let inClass = false
    while (end < source.length && source[end] !== '\n' && (inClass || source[end] !== '/')) {
      if (source[end] === '[') inClass = true
      if (source[end] === ']') inClass = false
      end += source[end] === '\\' ? 2 : 1
    }
    tokens.push({ kind: 'mark', text: 'regex' })
    return end + 1
  }

  function word(from: number): number {
    let end = from + 1
    while (end < source.length && wordPart.test(source[end]!)) end++
    tokens.push({ kind: 'word', text: source.slice(from, end) })
    return end
  }

  function mark(from: number, character: string): number {
    const open = templates.at(-1)
    if (open !== undefined && character === '}' && open === 0) {
      templates.pop()
      return template(from + 1)
    }
    if (open !== undefined && character === '{') templates[templates.length - 1] = open + 1
    if (open !== undefined && character === '}') templates[templates.length - 1] = open - 1
    tokens.push({ kind: 'mark', text: character })
    return from + 1
  }
}

function endOr(index: number, source: string): number {
  return index <= 0 ? source.length : index
}
