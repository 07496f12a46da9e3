export interface Example {
  /** The file it is written to. */
  file: string
  code: string
  /** `run`: by itself. `beside`: another example needs it. `shown`: cannot run, and the reason why. */
  use: 'run' | 'beside' | 'shown'
  /** Of its first line of code, from 1. */
  line: number
  /** What the page says that it prints. */
  prints?: string
}

/**
 * The TypeScript of a readme. A block is a module that runs as it stands, in the order of the page and all in one folder.
 * One whose first line is `// name.ts` is that file, for the blocks after it. One after a line `<!-- not run: WHY -->`
 * is only shown. A block of `text` that comes next is what it prints.
 */
export function examplesOf(markdown: string): Example[] {
  const lines = markdown.split('\n')
  const examples: Example[] = []
  let before = ''
  let last = ''
  for (let at = 0; at < lines.length; at++) {
    const fence = /^(```+|~~~+)\s*(\w*)/.exec(lines[at]!)
    if (fence === null) {
      if (lines[at]!.trim() !== '') before = lines[at]!.trim()
      continue
    }
    const end = lines.findIndex((line, index) => index > at && line.trimEnd() === fence[1])
    const code = lines.slice(at + 1, end < 0 ? lines.length : end)
    if (fence[2] === 'ts') {
      const name = /^\/\/ ([\w-]+\.ts)$/.exec(code[0] ?? '')?.[1]
      const shown = /^<!-- not run: \S.* -->$/.test(before)
      examples.push({
        file: name ?? `example-${examples.length + 1}.ts`,
        code: `${code.join('\n')}\n`,
        use: shown ? 'shown' : name === undefined ? 'run' : 'beside',
        line: at + 2
      })
    }
    if (fence[2] === 'text' && last === 'ts') examples.at(-1)!.prints = `${code.join('\n')}\n`
    last = fence[2]!
    before = ''
    at = end < 0 ? lines.length : end
  }
  return examples
}
