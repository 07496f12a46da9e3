import { declaredViews } from './declared.ts'
import { viewsProcedure } from './procedure.ts'
import { projects } from './projects.ts'
import { retentionByWeek } from './retention-by-week.ts'
import { sessionStats } from './session-stats.ts'
import { sumsView } from './sums.ts'
import type { View } from './view.ts'

/** For tests, what a later program might declare: it counts each session twice. */
const twice = sumsView({
  name: 'session_stats',
  version: 2,
  key: { project: 'text', width: '"char"', bucket: 'timestamptz', tier: 'text', region: 'text' },
  numbers: { sessions: 'sum' },
  fold(rows, fact) {
    for (const { key, numbers } of sessionStats.foldAll([fact]).all()) {
      const row = rows.get(key.join('/')) ?? rows.add(key.join('/'), key)
      row.numbers[0]! += 2 * numbers[0]!
    }
  },
  former: sessionStats
})

const others = declaredViews.filter(view => ![sessionStats, projects, retentionByWeek].includes(view as never))

/** One that keeps its former declaration, and two whose former one nobody knows any more. */
export const changedViews: readonly View[] = [
  twice,
  ...others,
  { ...projects, version: 2 },
  { ...retentionByWeek, version: 2 }
]

export default viewsProcedure(changedViews)
