import { count } from './format.ts'

export interface FigureProps {
  value: number | null | undefined
  /** How it is written; default: a count. */
  as?: (value: number | null | undefined) => string
  /** Stable name, for tests and for whoever scrapes the page. */
  testId?: string | undefined
  className?: string
}

/** A number on the page: written for people, and raw in `data-value`. */
export function Figure({ value, as = count, testId, className }: FigureProps) {
  return (
    <span className={className ? `figure ${className}` : 'figure'} data-testid={testId} data-value={value ?? ''}>
      {as(value)}
    </span>
  )
}
