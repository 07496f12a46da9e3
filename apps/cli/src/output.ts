import { styleText } from 'node:util'

/** Prints for a person, or one JSON object as the last line for a program. */
export function print(json: boolean, value: unknown, lines: () => string[]): void {
  process.stdout.write(json ? `${JSON.stringify(value)}\n` : `${lines().join('\n')}\n`)
}

export const bold = (text: string) => styleText('bold', text, { stream: process.stdout })
export const dim = (text: string) => styleText('dim', text, { stream: process.stdout })

export const number = (n: number) => n.toLocaleString('en-GB')

/** A table with the first column left-aligned and figures to the right. */
export function table(headers: string[], rows: (string | number)[][]): string[] {
  const cells = [headers, ...rows.map(row => row.map(cell => (typeof cell === 'number' ? number(cell) : cell)))]
  const widths = headers.map((_, i) => Math.max(...cells.map(row => (row[i] ?? '').length)))
  return cells.map((row, r) => {
    const line = row.map((cell, i) => (i === 0 ? cell.padEnd(widths[i]!) : cell.padStart(widths[i]!))).join('  ')
    return r === 0 ? dim(line) : line
  })
}

/** A progress line on a terminal; plain lines, now and then, elsewhere. Always on stderr. */
export class Progress {
  #label: string
  #last = 0
  #terminal = process.stderr.isTTY === true

  constructor(label: string) {
    this.#label = label
  }

  update(done: number, total: number | undefined, detail = ''): void {
    const now = performance.now()
    if (now - this.#last < (this.#terminal ? 100 : 2_000)) return
    this.#last = now
    const share = total ? Math.min(1, done / total) : undefined
    const width = 24
    const bar =
      share === undefined
        ? ''
        : `[${'#'.repeat(Math.round(share * width)).padEnd(width, '.')}] ${Math.round(share * 100)} %  `
    const line = `${this.#label} ${bar}${number(done)}${detail ? `  ${detail}` : ''}`
    process.stderr.write(this.#terminal ? `\r\x1b[2K${line}` : `${line}\n`)
  }

  end(): void {
    if (this.#terminal) process.stderr.write('\r\x1b[2K')
  }
}
