import { type ReactNode, useId } from 'react'
import type { Standing } from '../freshness.ts'
import { CardBoundary } from './CardBoundary.tsx'
import { FreshnessBadge } from './FreshnessBadge.tsx'

export interface CardProps {
  /** Short name: the class and the test hook. */
  name: string
  title: string
  /** What exactly is counted, in a few words. */
  note?: ReactNode
  actions?: ReactNode
  standing: Standing
  /** Absent while there is no answer at all. */
  children: ReactNode | undefined
}

/** The frame of every card: a heading, what is counted, how fresh it is. */
export function Card({ name, title, note, actions, standing, children }: CardProps) {
  const heading = useId()
  return (
    <section
      className={`card card-${name}${standing.superseded ? ' card-superseded' : ''}`}
      aria-labelledby={heading}
      aria-busy={standing.superseded || children === undefined}
    >
      <header className="card-head">
        <h2 id={heading}>{title}</h2>
        {note && <p className="note">{note}</p>}
        {actions && <div className="card-actions">{actions}</div>}
      </header>
      <div className="card-body">
        {children === undefined ? (
          <div className="waiting" aria-hidden="true" />
        ) : (
          <CardBoundary attempt={standing.freshness}>{children}</CardBoundary>
        )}
      </div>
      <FreshnessBadge card={name} standing={standing} />
    </section>
  )
}
