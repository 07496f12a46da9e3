import { type FormEvent, useId, useRef, useState } from 'react'
import { type Span, snapToHours } from '../range.ts'

interface Props {
  shown: Span | undefined
  lit: boolean
  onPick(range: Span): void
}

/** From and to by hand, in UTC. */
export function CustomRange({ shown, lit, onPick }: Props) {
  const panel = useRef<HTMLDivElement>(null)
  const [wrong, setWrong] = useState(false)
  const id = useId()

  const apply = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault()
    const form = new FormData(event.currentTarget)
    const [from, to] = [utc(form.get('from')), utc(form.get('to'))]
    const right = from < to
    setWrong(!right)
    if (!right) return
    panel.current?.hidePopover()
    onPick(snapToHours(from, to))
  }

  return (
    <span className="custom">
      <button type="button" popoverTarget={id} aria-pressed={lit} data-testid="range-custom">
        Custom
      </button>
      <div ref={panel} id={id} popover="auto" className="popover">
        {/* A new span on the page is the new starting point of the form. */}
        <form onSubmit={apply} key={`${shown?.from} ${shown?.to}`}>
          <label>
            From (UTC)
            <input type="datetime-local" name="from" step={3600} required defaultValue={local(shown?.from)} />
          </label>
          <label>
            To (UTC)
            <input type="datetime-local" name="to" step={3600} required defaultValue={local(shown?.to)} />
          </label>
          {wrong && <p role="alert">The range must end after it starts.</p>}
          <button type="submit" className="primary">
            Show
          </button>
        </form>
      </div>
    </span>
  )
}

/** The control speaks in local time without a zone; here it is always taken as UTC. */
function utc(value: FormDataEntryValue | null): number {
  return Date.parse(`${String(value).slice(0, 16)}Z`)
}

function local(time: number | undefined): string | undefined {
  return time === undefined ? undefined : new Date(time).toISOString().slice(0, 16)
}
