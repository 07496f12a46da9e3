import type { Analytics } from '@plimsoll/service-analytics'

type Metric = (name: string, type: 'counter' | 'gauge', help: string, value: number, labels: string) => void

/** How old each read model is and what it has cost, and how a rebuild goes on. The names of views are the program's own. */
export function viewMetrics({ views, rebuild }: ReturnType<Analytics['views']>, metric: Metric): void {
  for (const { name, mode, version, stalenessMs } of views) {
    const labels = `{view="${name}",mode="${mode}",version="${version}"}`
    metric('plimsoll_view_staleness_seconds', 'gauge', 'How far the view is behind.', stalenessMs / 1_000, labels)
  }
  for (const { name, cost } of views) {
    const spent = (work: string, ms: number) =>
      metric(
        'plimsoll_view_cost_seconds_total',
        'counter',
        'Time beside the read store spent on the view.',
        ms / 1_000,
        `{view="${name}",work="${work}"}`
      )
    spent('step', cost.stepMs)
    if (cost.refreshes > 0) spent('refresh', cost.refreshMs)
  }
  for (const { name, state } of views) {
    const labels = `{view="${name}"}`
    metric('plimsoll_view_live', 'gauge', '0 while a changed version is being built.', state === 'live' ? 1 : 0, labels)
  }
  if (!rebuild) return
  metric('plimsoll_rebuild_entries', 'gauge', 'Entries of the log in what is being built.', rebuild.applied, '')
  if (rebuild.secondsLeft === null) return
  metric('plimsoll_rebuild_seconds_left', 'gauge', 'At the rate so far.', rebuild.secondsLeft, '')
}
