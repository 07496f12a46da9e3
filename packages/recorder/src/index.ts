export type { Diagnosis, Evidence, Finding, Lever, NearLimit } from './diagnosis/diagnosis.ts'
export type { Rule } from './diagnosis/rule.ts'
export type { Point, Span, Timeline } from './diagnosis/timeline.ts'
export type { BlackBoxRecord, Occurrence, Sample, Source } from './record.ts'
