import { describe, type Standing } from '../freshness.ts'
import { useNow } from '../use-now.ts'

/** How fresh and how complete the numbers of a card are; on every card. Only the badge is drawn anew each second. */
export function FreshnessBadge({ card, standing }: { card: string; standing: Standing }) {
  const { tone, parts } = describe(standing, useNow())
  return (
    <p
      className={`badge badge-${tone}`}
      data-testid={`freshness-${card}`}
      data-tone={tone}
      title={standing.freshness?.unknownShare ? 'Unknown: plan tier and region could not be asked for yet' : undefined}
      data-value={standing.freshness?.asOf ?? ''}
    >
      <span className="dot" aria-hidden="true" />
      {parts.map((part, index) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: the parts have fixed places.
        <span key={index}>{part}</span>
      ))}
    </p>
  )
}
