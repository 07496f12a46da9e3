export interface JsonFault {
  /** In UTF-16 units from the start of the text. */
  offset: number
  /** Both count from 1. */
  line: number
  column: number
  /** What could have stood there, in words. */
  expected: string
}

const scalar = /(?:-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?|true|false|null)/y
const space = /[ \t\n\r]*/y

type Wanted = 'value' | 'value or ]' | 'name' | 'name or }' | 'colon' | 'after value'

const words: Record<Wanted, string> = {
  value: 'a value',
  'value or ]': "a value or ']'",
  name: 'a property name in double quotes',
  'name or }': "a property name in double quotes or '}'",
  colon: "':'",
  'after value': "',' or the closing bracket"
}

/**
 * Where a text stops being JSON (RFC 8259), or `undefined` when it is JSON. `JSON.parse` tells the place for some faults
 * only, and quotes the text, which may hold what does not belong in an answer or a log. Meant for the path where
 * `JSON.parse` has failed; it keeps its own stack, so depth costs memory and never the call stack.
 */
export function jsonFault(text: string): JsonFault | undefined {
  const open: ('[' | '{')[] = []
  let wanted: Wanted = 'value'
  let at = 0

  while (true) {
    at = end(space, at)!
    if (wanted === 'after value' && open.length === 0) return at === text.length ? undefined : fault('the end')
    const character = text[at]
    const container = open.at(-1)
    if (wanted === 'value' || wanted === 'value or ]') {
      if (wanted === 'value or ]' && character === ']') close()
      else if (character === '[' || character === '{') {
        open.push(character)
        wanted = character === '[' ? 'value or ]' : 'name or }'
        at++
      } else {
        const after = character === '"' ? endOfString(text, at) : end(scalar, at)
        if (after === undefined) return fault(character === '"' ? 'a string that ends' : words[wanted])
        at = after
        wanted = 'after value'
      }
    } else if (wanted === 'name' || wanted === 'name or }') {
      const after = endOfString(text, at)
      if (wanted === 'name or }' && character === '}') close()
      else if (after === undefined) return fault(words[wanted])
      else {
        at = after
        wanted = 'colon'
      }
    } else if (wanted === 'colon') {
      if (character !== ':') return fault(words.colon)
      at++
      wanted = 'value'
    } else if (character === ',') {
      at++
      wanted = container === '[' ? 'value' : 'name'
    } else if (character === (container === '[' ? ']' : '}')) close()
    else return fault(container === '[' ? "',' or ']'" : "',' or '}'")
  }

  function close(): void {
    open.pop()
    at++
    wanted = 'after value'
  }

  function end(pattern: RegExp, from: number): number | undefined {
    pattern.lastIndex = from
    return pattern.test(text) ? pattern.lastIndex : undefined
  }

  function fault(expected: string): JsonFault {
    const lineStart = text.lastIndexOf('\n', at - 1) + 1
    let line = 1
    for (let i = text.indexOf('\n'); i >= 0 && i < at; i = text.indexOf('\n', i + 1)) line++
    return { offset: at, line, column: at - lineStart + 1, expected }
  }
}

/** By hand: a pattern with a choice in a loop runs out of its own stack on a string of some megabytes. */
function endOfString(text: string, from: number): number | undefined {
  if (text[from] !== '"') return
  for (let at = from + 1; at < text.length; at++) {
    const character = text[at]!
    if (character === '"') return at + 1
    if (character < ' ') return
    if (character === '\\') {
      at++
      if (text[at] === 'u' && /^[0-9a-fA-F]{4}$/.test(text.slice(at + 1, at + 5))) at += 4
      else if (!'"\\/bfnrt'.includes(text[at] ?? 'none')) return
    }
  }
}
