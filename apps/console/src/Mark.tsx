/** The load line: a ring and the line through it. `list` tilts it, in degrees: a ship that lists is not well. */
export function Mark({ size = 24, list = 0 }: { size?: number; list?: number }) {
  return (
    <svg className="mark" width={size} height={size} viewBox="0 0 32 32" aria-hidden="true" focusable="false">
      <g fill="none" stroke="currentColor" strokeWidth="2.6" transform={`rotate(${list} 16 16)`}>
        <circle cx="16" cy="16" r="9" />
        <path d="M1.5 16h29" />
      </g>
    </svg>
  )
}
