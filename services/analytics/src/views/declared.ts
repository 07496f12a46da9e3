import { activeSessions } from './active-sessions.ts'
import { featureStats } from './feature-stats.ts'
import { projects } from './projects.ts'
import { retentionByWeek } from './retention-by-week.ts'
import { sessionStats } from './session-stats.ts'
import { useStats } from './use-stats.ts'
import type { View } from './view.ts'

/** The read models there are. */
export const declaredViews: readonly View[] = [
  sessionStats,
  activeSessions,
  useStats,
  featureStats,
  projects,
  retentionByWeek
]
