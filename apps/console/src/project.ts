import type { ProjectSummary, Projects } from './api/types.ts'

/**
 * The project to open when the address names none: one's own data before the demo, `default` first, else the one with the
 * newest event. Undefined until the list is there.
 */
export function defaultProject(projects: Projects | undefined): string | undefined {
  if (projects === undefined) return undefined
  const filled = projects.projects.filter(({ events }) => events > 0)
  const newest = (list: ProjectSummary[]) =>
    list.toSorted((a, b) => Date.parse(b.lastEvent ?? '') - Date.parse(a.lastEvent ?? ''))[0]?.project
  const own = filled.filter(({ project }) => project !== 'demo')
  if (own.some(({ project }) => project === 'default')) return 'default'
  return newest(own) ?? newest(filled) ?? projects.projects[0]?.project ?? 'default'
}
