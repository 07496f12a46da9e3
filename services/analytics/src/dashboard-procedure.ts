import type { ProcedureContext } from '@plimsoll/database'
import { type DashboardContent, readDashboard } from './answer/dashboard.ts'
import type { Question } from './answer/question.ts'

/** One dashboard answer, made beside the engine: its eight queries see one snapshot, and cost one trip. */
export default function answer(
  context: ProcedureContext,
  { question, now }: { question: Question; now: number }
): Promise<DashboardContent> {
  return context.transaction(tx => readDashboard(tx, question, now), { isolation: 'repeatable read', readOnly: true })
}
