import { span } from '../format.ts'
import { endsNow, PRESETS, type Preset, type RangeChoice, type Span, stepRange } from '../range.ts'
import { CustomRange } from './CustomRange.tsx'

interface Props {
  /** The span on the page; absent until the first answer. */
  shown: Span | undefined
  preset: Preset | undefined
  now: number
  onPick(range: RangeChoice): void
}

export function RangePicker({ shown, preset, now, onPick }: Props) {
  return (
    <fieldset className="range">
      <legend className="spoken">Range</legend>
      <div className="segments">
        {PRESETS.map(({ preset: name, label, title }) => (
          <button
            key={name}
            type="button"
            title={title}
            aria-label={title}
            aria-pressed={preset === name}
            onClick={() => onPick(name)}
            data-testid={`range-${name}`}
          >
            {label}
          </button>
        ))}
        <CustomRange shown={shown} lit={shown !== undefined && preset === undefined} onPick={onPick} />
      </div>
      <div className="stepper">
        <button
          type="button"
          disabled={!shown}
          onClick={() => shown && onPick(stepRange(shown, -1, now))}
          aria-label="Earlier"
        >
          ‹
        </button>
        <output className="span" data-testid="range-shown">
          {shown ? span(shown.from, shown.to) : '…'}
        </output>
        <button
          type="button"
          disabled={!shown || endsNow(shown, now)}
          onClick={() => shown && onPick(stepRange(shown, 1, now))}
          aria-label="Later"
        >
          ›
        </button>
      </div>
    </fieldset>
  )
}
