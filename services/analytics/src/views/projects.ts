import { sumsView } from './sums.ts'

/** Each project: entries that were received (the ledger's "counted"), sessions, and the ends of its data. */
export const projects = sumsView({
  name: 'projects',
  version: 1,
  key: { project: 'text' },
  numbers: { counted: 'sum', sessions: 'sum', first_event: 'earliest', last_event: 'latest' },
  fold(rows, { project, before, after, sent }) {
    const { numbers } = rows.get(project) ?? rows.add(project, [project])
    numbers[1]! += after.length - before.length
    if (sent === undefined) return
    numbers[0]!++
    numbers[2] = Math.min(numbers[2]!, sent.time)
    numbers[3] = Math.max(numbers[3]!, sent.time)
  }
})
