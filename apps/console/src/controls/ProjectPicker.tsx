import type { RefObject } from 'react'
import type { Projects } from '../api/types.ts'

interface Props {
  projects: Projects | undefined
  project: string | undefined
  picker: RefObject<HTMLSelectElement | null>
  onPick(project: string): void
}

/** A native list: it works with every keyboard, screen reader and phone. */
export function ProjectPicker({ projects, project, picker, onPick }: Props) {
  const listed = projects?.projects.map(summary => summary.project) ?? []
  const names = project === undefined || listed.includes(project) ? listed : [project, ...listed]
  return (
    <label className="picker">
      <span className="spoken">Project</span>
      <select
        ref={picker}
        value={project ?? ''}
        disabled={names.length === 0}
        onChange={event => onPick(event.target.value)}
        data-testid="project-picker"
        aria-keyshortcuts="/"
      >
        {names.length === 0 && <option value="">…</option>}
        {names.map(name => (
          <option key={name} value={name}>
            {name}
          </option>
        ))}
      </select>
    </label>
  )
}
