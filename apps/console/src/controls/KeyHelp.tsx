import type { RefObject } from 'react'

const KEYS = [
  ['/', 'go to the project list'],
  ['d', 'next range: 24 h, 7 d, 30 d, the data’s own'],
  ['[  ]', 'one range earlier, one later'],
  ['t', 'light or dark'],
  ['←  →', 'on a chart: read it step by step'],
  ['?', 'these keys']
] as const

export function KeyHelp({ dialog }: { dialog: RefObject<HTMLDialogElement | null> }) {
  return (
    <dialog ref={dialog} className="keys" aria-labelledby="keys-heading">
      <h2 id="keys-heading">Keys</h2>
      <dl>
        {KEYS.map(([key, does]) => (
          <div key={key}>
            <dt>
              <kbd>{key}</kbd>
            </dt>
            <dd>{does}</dd>
          </div>
        ))}
      </dl>
      <p className="quiet">Drag across a chart to look closer.</p>
      <form method="dialog">
        <button type="submit" className="primary">
          Close
        </button>
      </form>
    </dialog>
  )
}
