import { THEMES, type Theme, type ThemeChoice } from '../theme.ts'

const PICTURES: Record<ThemeChoice, string> = {
  system: 'M3 5h18v11H3zM8.5 20h7M12 16v4',
  light:
    'M12 8a4 4 0 1 0 0 8 4 4 0 0 0 0-8M12 2.5v2.2M12 19.3v2.2M2.5 12h2.2M19.3 12h2.2M5.3 5.3l1.5 1.5M17.2 17.2l1.5 1.5M5.3 18.7l1.5-1.5M17.2 6.8l1.5-1.5',
  dark: 'M20 14.2A8.2 8.2 0 0 1 9.8 4a8.2 8.2 0 1 0 10.2 10.2'
}

export function ThemeSwitch({ theme }: { theme: Theme }) {
  return (
    <fieldset className="segments theme">
      <legend className="spoken">Theme</legend>
      {THEMES.map(choice => (
        <button
          key={choice}
          type="button"
          aria-pressed={theme.choice === choice}
          aria-label={`${choice} theme`}
          title={`${choice} theme`}
          onClick={() => theme.choose(choice)}
        >
          <svg width="15" height="15" viewBox="0 0 24 24" aria-hidden="true" focusable="false">
            <path
              d={PICTURES[choice]}
              fill="none"
              stroke="currentColor"
              strokeWidth="2"
              strokeLinecap="round"
              strokeLinejoin="round"
            />
          </svg>
        </button>
      ))}
    </fieldset>
  )
}
