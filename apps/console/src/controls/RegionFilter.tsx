import { toggleRegion } from '../url-state.ts'

interface Props {
  available: readonly string[]
  chosen: readonly string[]
  onChange(regions: readonly string[]): void
}

/** One chip a region; none chosen = all of them. A chosen region that has no data in this range stays, to be taken off. */
export function RegionFilter({ available, chosen, onChange }: Props) {
  const regions = [...new Set([...available, ...chosen])].sort()
  if (regions.length === 0) return null
  return (
    <fieldset className="regions">
      <legend>Region</legend>
      <button type="button" className="chip" aria-pressed={chosen.length === 0} onClick={() => onChange([])}>
        all
      </button>
      {regions.map(region => {
        const on = chosen.includes(region)
        return (
          <button
            key={region}
            type="button"
            className="chip"
            aria-pressed={on}
            onClick={() => onChange(toggleRegion(chosen, region))}
            data-testid={`region-${region}`}
          >
            {region}
            {on && <span aria-hidden="true"> ×</span>}
          </button>
        )
      })}
    </fieldset>
  )
}
