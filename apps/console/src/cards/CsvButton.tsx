import { download } from '../download.ts'

/** Downloads a table. The text is made when asked for. */
export function CsvButton({ name, text }: { name: string; text(): string }) {
  return (
    <button
      type="button"
      className="link"
      onClick={() => download(`${name}.csv`, text())}
      aria-label={`Download ${name.replaceAll('-', ' ')} as CSV`}
    >
      CSV
    </button>
  )
}
