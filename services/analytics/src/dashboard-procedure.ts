import type { ProcedureContext } from '@plimsoll/database'
import { type DashboardContent, readDashboard } from './answer/dashboard.ts'
import type { Question } from './answer/question.ts'

/** One dashboard answer, made beside the engine: its queries see one snapshot, and cost one trip. */
export default function answer(
  context: ProcedureContext,
  { question, now }: { question: Question; now: number }
): Promise<DashboardContent> {
  return context.transaction(
    async tx => {
      // Before the snapshot: a view that is put in place meanwhile would be seen as it was before, which may be empty. An
      // embedded engine takes one transaction at a time.
      if (tx.engine === 'postgres') await tx.exec(lockAll)
      return readDashboard(tx, question, now)
    },
    { isolation: 'repeatable read', readOnly: true }
  )
}

const lockAll = `lock table ${['session_stats', 'session_activity', 'use_stats', 'feature_stats']
  .map(name => `analytics.${name}`)
  .join(', ')} in access share mode`
