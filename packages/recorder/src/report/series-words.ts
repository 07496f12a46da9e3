import type { Unit } from './quantity.ts'

/** A series in the words of whoever has to read it. */
export interface SeriesWords {
  label: string
  unit: Unit
  /** True where a low value is the bad one, as of what is left or of what is up. */
  lowIsBad?: boolean
  /** What a value of a state is called. */
  states?: readonly string[]
}

type Row = readonly [name: string, label: string, unit: Unit, rest?: Omit<SeriesWords, 'label' | 'unit'>]

const low = { lowIsBad: true }
/** `*` is the subject. In the order of `docs/vocabulary.md`. */
const rows: readonly Row[] = [
  ['cpu.process', 'processor time used by the platform', 'cores'],
  ['cpu.waiting', 'threads of ours that wait for a processor', 'count'],
  ['cpu.machine', 'share of the machine’s processors that is busy', 'share'],
  ['cpu.cores', 'processors of the machine', 'count'],
  ['memory.rss', 'memory of the platform', 'bytes'],
  ['memory.heap', 'heap of the platform', 'bytes'],
  ['memory.heap.limit', 'limit of the heap of the platform', 'bytes'],
  ['memory.limit', 'memory that the platform may use', 'bytes'],
  ['memory.external', 'memory of the platform outside of its heap', 'bytes'],
  ['memory.available', 'memory that is left on the machine', 'bytes', low],
  ['loop.delay.p99', 'delay of the main loop (99 of 100 were shorter)', 'ms'],
  ['loop.delay.max', 'longest delay of the main loop', 'ms'],
  ['loop.utilisation', 'share of the time in which the main loop was busy', 'share'],
  ['gc.time', 'time spent on collecting garbage in each second', 'ms'],
  ['files.open', 'open files of the platform', 'count'],
  ['files.limit', 'limit of open files of the platform', 'count'],
  ['disk.total', 'size of the disk', 'bytes'],
  ['disk.free', 'disk that is left', 'bytes', low],
  ['clock.jump', 'jump of the machine’s clock', 'ms'],
  ['http.requests', 'requests answered', 'per second'],
  ['http.refused', 'requests refused (429 or 503)', 'per second'],
  ['http.failed', 'requests failed (other 5xx)', 'per second'],
  ['http.denied', 'requests without a valid key (401 or 403)', 'per second'],
  ['http.p50', 'time of an answer (half were faster)', 'ms'],
  ['http.p99', 'time of an answer (99 of 100 were faster)', 'ms'],
  ['http.running', 'requests being worked on', 'count'],
  ['http.abandoned', 'requests whose client hung up before it had an answer', 'per second'],
  ['ingest.turned-away', 'share of one project in the requests that were turned away', 'share'],
  ['ingest.accepted', 'events accepted', 'per second'],
  ['ingest.duplicate', 'events that were known already', 'per second'],
  ['ingest.rejected', 'events rejected', 'per second'],
  ['ingest.pending', 'events waiting for a commit', 'count'],
  ['ingest.unknown', 'sessions stored with enrichment unknown', 'per second'],
  ['ingest.busiest', 'share of the busiest project in what was offered', 'share'],
  ['store.*.up', 'store *: answers (1) or not (0)', 'state', { ...low, states: ['no answer', 'answers'] }],
  ['store.*.commit', 'store *: time of a commit', 'ms'],
  ['store.*.commits', 'store *: commits', 'per second'],
  ['store.*.rollbacks', 'store *: transactions taken back', 'per second'],
  ['store.*.failed', 'store *: statements that failed', 'per second'],
  ['store.*.waiting', 'store *: statements waiting for a connection', 'count'],
  ['store.*.in-use', 'store *: connections in use', 'count'],
  ['store.*.size', 'store *: connections there are', 'count'],
  ['store.*.held', 'store *: age of the longest running statement', 'ms'],
  ['dependency.*.probe.refused', 'connection to * refused (1)', 'state', { states: ['taken', 'refused'] }],
  ['dependency.*.calls', 'calls to *', 'per second'],
  ['dependency.*.failed', 'calls to * that failed', 'per second'],
  ['dependency.*.timed-out', 'calls to * that took too long', 'per second'],
  ['dependency.*.refused', 'calls to * that were not sent', 'per second'],
  ['dependency.*.p50', 'time of an answer of * (half were faster)', 'ms'],
  ['dependency.*.p99', 'time of an answer of * (99 of 100 were faster)', 'ms'],
  ['dependency.*.probe', 'time of an answer of * to whoever waits for it', 'ms'],
  ['dependency.*.probe.waiting', 'time that a patient question has waited for *', 'ms'],
  ['dependency.*.budget', 'time that * may take', 'ms'],
  ['dependency.*.breaker', 'circuit breaker of *', 'state', { states: ['closed', 'half-open', 'open'] }],
  ['dependency.*.bulkhead.in-use', 'places for calls to * that are taken', 'count'],
  ['dependency.*.bulkhead.limit', 'places for calls to *', 'count'],
  ['dependency.*.bulkhead.waiting', 'calls to * that wait for a place', 'count'],
  ['subscriber.*.lag', 'subscriber *: messages behind', 'count'],
  ['subscriber.*.lag.time', 'subscriber *: age of the oldest message that waits', 'ms'],
  ['subscriber.*.rate', 'subscriber *: messages handled', 'per second'],
  ['subscriber.*.failures', 'subscriber *: failed tries since the last good one', 'count'],
  ['subscriber.*.parked', 'subscriber *: keys put aside', 'count'],
  ['subscriber.*.alive', 'subscriber *: alive (1) or dead (0)', 'state', { ...low, states: ['dead', 'alive'] }],
  ['spool.events', 'events waiting on disk for the store', 'count'],
  ['spool.bytes', 'disk taken by waiting events', 'bytes'],
  ['spool.limit', 'disk that waiting events may take', 'bytes'],
  ['spool.age', 'age of the oldest event that waits on disk', 'ms'],
  ['spool.away', 'store believed away (1) or there (0)', 'state', { states: ['there', 'away'] }],
  ['spool.failed', 'writes to the spool that failed', 'per second'],
  ['broker.*.up', 'broker *: answers (1) or not (0)', 'state', { ...low, states: ['no answer', 'answers'] }],
  ['broker.*.behind', 'broker *: messages that wait for it', 'count'],
  ['recorder.cost', 'processor time that the black box took for a sample', 'ms'],
  ['expiry.*.span', 'life of the certificate of *, of which the last 30 days count', 'ms'],
  ['expiry.*', 'time until the certificate of * ends', 'ms', low],
  [
    'platform.phase',
    'the platform, as the watcher sees it',
    'state',
    { states: ['starting', 'ready', 'down', 'stopping', 'failed'] }
  ],
  ['platform.silent', 'time since the platform’s last sign of life', 'ms'],
  ['platform.cpu', 'processor time used by the platform', 'cores'],
  ['platform.rss', 'memory of the platform, from outside', 'bytes'],
  ['platform.files', 'open files of the platform, from outside', 'count'],
  ['platform.files.limit', 'limit of open files of the platform, from outside', 'count'],
  ['platform.stopped', 'platform stopped by a signal (1)', 'state', { states: ['running', 'stopped'] }],
  ['probe.health', 'time of an answer of /health', 'ms'],
  ['probe.ready', 'time of an answer of /ready', 'ms'],
  ['probe.main', 'time of an answer of the main loop', 'ms'],
  ['pressure.cpu', 'share of time in which work waited for a processor', 'share'],
  ['pressure.io', 'share of time in which work waited for the disk', 'share'],
  ['pressure.memory', 'share of time in which work waited for memory', 'share']
]

const table = rows.map(([name, label, unit, rest]) => ({
  // A subject may hold dots: it is whatever stands between the parts that are known.
  pattern: new RegExp(`^${name.replaceAll('.', '\\.').replace('*', '(?<subject>.+)')}$`),
  words: { label, unit, ...rest }
}))

/** A series in words; one that the table does not know is called by its name. */
export function seriesWords(name: string): SeriesWords {
  for (const { pattern, words } of table) {
    const found = pattern.exec(name)
    if (found) return { ...words, label: words.label.replace('*', () => found.groups?.subject ?? '') }
  }
  return { label: name, unit: 'count' }
}
