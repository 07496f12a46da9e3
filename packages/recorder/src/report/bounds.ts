/** How much of what was given a report shows. What is left out is said where it is left out. */
export const bounds = {
  /** Characters of any one text that was recorded. */
  text: 400,
  causes: 10,
  symptoms: 8,
  /** How deep symptoms of symptoms are followed. */
  depth: 3,
  evidence: 8,
  charts: 8,
  /** Occurrences that are marked and listed; the ones nearest to the fault stay. */
  marks: 40,
  limits: 8,
  /** Columns that a chart is drawn from. */
  columns: 360
} as const

/** One line of text, cut: control characters, and those that turn the direction of writing, are gone. */
export function line(text: string, most: number = bounds.text): string {
  const clean = text
    .slice(0, most * 4)
    .replace(/[\p{Cc}\p{Zl}\p{Zp}\u200b-\u200f\u202a-\u202e\u2066-\u2069\ufeff]+/gu, ' ')
    .trim()
  const letters = [...clean]
  return letters.length <= most ? clean : `${letters.slice(0, most - 1).join('')}…`
}
