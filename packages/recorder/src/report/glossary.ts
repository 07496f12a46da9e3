const terms: readonly (readonly [term: string, pattern: RegExp, meaning: string])[] = [
  [
    '99 of 100',
    /99 of 100|\bp99\b/i,
    '(p99) The time within which 99 of 100 answers came. One in a hundred took longer.'
  ],
  ['half', /\bhalf were\b|\bp50\b/i, '(p50, the median) The time within which half of the answers came.'],
  [
    'acknowledged',
    /acknowledge/i,
    'Answered with “done” (2xx). That answer is sent only after the data is on the disk.'
  ],
  [
    'backoff',
    /\bback-?off\b/i,
    'Waiting longer after each failed try, so that what is ill is not struck again at once.'
  ],
  [
    'broker',
    /\bbroker/i,
    'A server that keeps messages until those who want them have read them, such as Redis or Kafka.'
  ],
  [
    'bulkhead',
    /\bbulkhead|\bplaces for calls/i,
    'A fixed number of places for calls to one neighbour, so that a slow one cannot take all there is.'
  ],
  [
    'circuit breaker',
    /\bbreaker/i,
    'A switch before calls to a neighbour. Closed: calls are sent. Open: they are not, and the answer is given without it at once. Half-open: a few are sent, to see whether it is well again.'
  ],
  ['commit', /\bcommit/i, 'The moment in which the database has written a change for good.'],
  [
    'connection pool',
    /\bpool\b|connections? (in use|to the store)/i,
    'The connections to the database, which are few and shared. When all are taken, whoever wants one waits.'
  ],
  [
    'control group',
    /control group|cgroup/i,
    'The share of the machine’s memory and processors that the platform was given.'
  ],
  ['cursor', /\bcursor/i, 'How far a reader of the log has come.'],
  [
    'dependency',
    /\bdependenc/i,
    'Another service or server that the platform asks while it works, such as the metadata API.'
  ],
  [
    'asOf',
    /\basOf\b/,
    'The moment up to which an answer holds everything. It stands on every answer of the dashboards.'
  ],
  [
    'dead letter',
    /\bdead.letter|set aside\b/i,
    'A message that cannot be handled, kept aside until somebody has looked at it; what comes behind it of its key waits with it.'
  ],
  [
    'deadline',
    /\bdeadline/i,
    'The moment after which nobody waits for an answer any more, so that no work is done for it.'
  ],
  [
    'door',
    /\bthe door\b/i,
    'The first step of ingest: what would wait too long is refused there at once, first of who sends more than its share.'
  ],
  [
    'embedded store',
    /\bembedded store\b/i,
    'The database inside the platform’s own process, used where no server is set (databaseUrl). It has one connection.'
  ],
  [
    'fault knob',
    /\bfault knob/i,
    'A switch that breaks something on purpose, for drills. It exists only with the setting faultKnobs, never in production.'
  ],
  ['jitter', /\bjitter/i, 'A random part in how long is waited, so that many do not come back at the same moment.'],
  [
    'patience',
    /\bwith patience\b/i,
    'Asked by one question at a time that waits up to 5 seconds, to tell what is late from what never comes.'
  ],
  ['duplicate', /\bduplicate/i, 'An event that was sent again and is counted once.'],
  [
    'enrichment',
    /\benrich/i,
    'What is asked about a user while an event comes in: plan tier, region and flags. While nobody can say, “unknown” is stored and it is asked again later.'
  ],
  ['fsync', /\bfsync|\bsynced\b/i, 'Making the disk keep what was written, also through a power cut.'],
  [
    'garbage collection',
    /\bgarbage\b|\bGC\b/,
    'The pauses in which the platform gives back memory that it no longer uses.'
  ],
  [
    'heap',
    /\bheap\b/i,
    'The part of the memory in which the platform keeps what it works with. It has a limit of its own.'
  ],
  [
    'kill -9',
    /SIGKILL|kill -9/,
    'SIGKILL: a process ended by force, by a person or by the machine, without a chance to say anything.'
  ],
  ['lag', /\blag\b|\bbehind\b/i, 'How much has been written that a reader has not read yet.'],
  [
    'main loop',
    /\b(main|event) loop/i,
    'The one thread that takes and answers all requests. While it is busy with one thing, all else waits.'
  ],
  ['metadata', /\bmetadata\b/i, 'The internal API that knows the plan tier, region and flags of a user.'],
  [
    'open files',
    /\bopen files|file descriptors?/i,
    '(File descriptors) Files and network connections that a process holds open. There is a limit to them.'
  ],
  ['platform', /\bplatform\b/i, 'The process that takes events, stores them and answers the dashboards.'],
  ['poisoned message', /\bpoison/i, 'A message that cannot be handled however often it is tried.'],
  ['primary', /\bprimary\b/i, 'The store that events are written to.'],
  ['project', /\bproject\b/i, 'One of those whose events are counted here, each by itself.'],
  [
    'read store',
    /\bread store|\bstore read\b/i,
    'The store that dashboards are answered from. It follows the primary one.'
  ],
  ['replica', /\breplica/i, 'A second server with the same data, which can be read from.'],
  [
    'retry storm',
    /\bretry storm|\bretries\b/i,
    'Many senders that try again at once what has failed, and so keep it failing.'
  ],
  ['SIGTERM', /SIGTERM/, 'The polite way to tell a process to stop: it finishes what it has begun.'],
  ['shard', /\bshard/i, 'One of several databases that each hold a part of the data.'],
  ['shedding', /\bshed/i, 'Refusing some requests at the door, at once, so that the rest are served well.'],
  ['spool', /\bspool/i, 'A file on this machine’s own disk in which events wait while the store is away.'],
  ['subscriber', /\bsubscriber/i, 'A reader of the log that does something with each event, at its own pace.'],
  [
    'tablespace',
    /\btablespace|pg_tblspc/i,
    'A folder, often on another disk, in which a database server keeps some of its tables.'
  ],
  ['timeout', /\btime-?out|\btimed out/i, 'How long a call may take before it is given up.'],
  [
    'watcher',
    /\bwatcher\b/i,
    'The small second process that starts the platform, watches it from outside, and outlives it.'
  ],
  [
    '4xx, 5xx',
    /\b[45]xx\b|\b(401|403|429|503)\b/,
    'Answers over HTTP: 401 and 403 no valid key, 429 too many requests, 503 not now, come again; 4xx the sender’s fault, 5xx ours.'
  ]
]

/** The field's words that occur in a text, each with what it means here. */
export function explained(text: string): { term: string; meaning: string }[] {
  return terms.filter(([, pattern]) => pattern.test(text)).map(([term, , meaning]) => ({ term, meaning }))
}
