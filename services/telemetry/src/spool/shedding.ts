/** What is given up first when the spool fills: by the share of it that is taken. Starts and ends of sessions never are. */
const levels = [
  { above: 0.8, types: new Set(['session.heartbeat']) },
  { above: 0.95, types: new Set(['session.heartbeat', 'feature.used']) }
]

/** The types of events that are not taken any more with so much of the spool full, from 0 to 1. */
export function shedTypes(full: number): ReadonlySet<string> | undefined {
  return levels.findLast(({ above }) => full > above)?.types
}
