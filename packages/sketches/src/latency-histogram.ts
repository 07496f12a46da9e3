import { MalformedSketchError } from './malformed.ts'
import { pushVarint, VarintReader } from './varint.ts'

/**
 * A log-linear histogram of milliseconds, after HdrHistogram (Gil Tene): each power of two is cut into 32 equal buckets.
 *
 * A quantile read from it is within 1.6 % of the value that was recorded, for values from 2^-10 ms (about 1 µs) up to
 * 2^22 ms (about 70 minutes). Below that range a value reads as 0, above it as 2^22.
 */
export interface LatencyHistogram {
  /** How many values were recorded. */
  total: number
  /** The bucket that `counts[0]` stands for. Only the part of the range that is in use is held. */
  first: number
  counts: Float64Array
}

const OCTAVE_BITS = 5
const SMALLEST_EXPONENT = -10
const LARGEST_EXPONENT = 22
const OVERFLOW = ((LARGEST_EXPONENT - SMALLEST_EXPONENT) << OCTAVE_BITS) + 1
const VERSION = 0x11
const NONE = new Float64Array(0)

/** The greatest relative error of a quantile inside the range. */
export const relativeError = 1 / 2 ** (OCTAVE_BITS + 1)

export const empty = (): LatencyHistogram => ({ total: 0, first: 0, counts: NONE })

/** The number of values recorded. */
export const count = (h: LatencyHistogram): number => h.total

/**
 * Records `ms`, `n` times.
 * @throws RangeError when `ms` is negative or not finite, or `n` is not a positive safe integer.
 */
export function record(h: LatencyHistogram, ms: number, n = 1): void {
  if (!(ms >= 0 && ms < Infinity)) throw new RangeError(`a latency is a finite number of milliseconds >= 0, not ${ms}`)
  if (!(Number.isSafeInteger(n) && n > 0)) throw new RangeError(`a count is a positive whole number, not ${n}`)
  bump(h, bucketOf(ms), n)
}

/** Adds what `from` holds to `into`. The order of merges makes no difference to the bytes. */
export function merge(into: LatencyHistogram, from: LatencyHistogram): void {
  if (from.total === 0) return
  cover(into, from.first, from.first + from.counts.length - 1)
  const shift = from.first - into.first
  const { counts } = into
  // The total is added first: merging a histogram into itself must double it, not loop over what it writes.
  into.total = addCounts(into.total, from.total)
  for (let i = 0; i < from.counts.length; i++) counts[i + shift]! += from.counts[i]!
}

/**
 * The value at quantile `q` (0 to 1) by nearest rank, that is the ceil(q * n)-th smallest; `null` when nothing was recorded.
 * @throws RangeError when `q` is not within 0 and 1.
 */
export function quantile(h: LatencyHistogram, q: number): number | null {
  if (!(q >= 0 && q <= 1)) throw new RangeError(`a quantile is a number from 0 to 1, not ${q}`)
  if (h.total === 0) return null
  let left = Math.max(1, Math.ceil(q * h.total))
  for (let i = 0; i < h.counts.length; i++) {
    left -= h.counts[i]!
    if (left <= 0) return middleOf(h.first + i)
  }
  return null
}

/** Compact bytes: a version, then (gap, count) for each bucket in use. The same content gives the same bytes. */
export function encode(h: LatencyHistogram): Uint8Array {
  const bytes = [VERSION]
  let next = 0
  for (let i = 0; i < h.counts.length; i++) {
    if (h.counts[i] === 0) continue
    const bucket = h.first + i
    pushVarint(bytes, bucket - next)
    pushVarint(bytes, h.counts[i]!)
    next = bucket + 1
  }
  return Uint8Array.from(bytes)
}

/** @throws MalformedSketchError when the bytes are not what `encode` writes. */
export function decode(bytes: Uint8Array): LatencyHistogram {
  if (bytes[0] !== VERSION) throw new MalformedSketchError('these bytes are not a latency histogram of a known version')
  const reader = new VarintReader(bytes, 1)
  const buckets: number[] = []
  const counts: number[] = []
  let next = 0
  while (!reader.done) {
    const bucket = next + reader.next()
    if (bucket > OVERFLOW) throw new MalformedSketchError(`bucket ${bucket} is beyond the last one, ${OVERFLOW}`)
    const n = reader.next()
    if (n === 0) throw new MalformedSketchError(`bucket ${bucket} is written but empty`)
    buckets.push(bucket)
    counts.push(n)
    next = bucket + 1
  }
  const h = empty()
  if (buckets.length === 0) return h
  h.first = buckets[0]!
  h.counts = new Float64Array(next - h.first)
  for (let i = 0; i < buckets.length; i++) {
    h.counts[buckets[i]! - h.first] = counts[i]!
    h.total += counts[i]!
  }
  if (!Number.isSafeInteger(h.total)) throw new MalformedSketchError('the sketch counts more than 2^53 - 1 values')
  return h
}

// The exponent and the first bits of the mantissa, read straight from the number, are the bucket: exact, and no logarithm.
const scratch = new Float64Array(1)
const words = new Uint32Array(scratch.buffer)
const HIGH_WORD = new Uint8Array(new Uint16Array([1]).buffer)[0] === 1 ? 1 : 0
const BIAS = ((1023 + SMALLEST_EXPONENT) << OCTAVE_BITS) - 1

function bucketOf(ms: number): number {
  if (ms < 2 ** SMALLEST_EXPONENT) return 0
  if (ms >= 2 ** LARGEST_EXPONENT) return OVERFLOW
  scratch[0] = ms
  return (words[HIGH_WORD]! >>> (20 - OCTAVE_BITS)) - BIAS
}

/** The middle of a bucket: at most half its width from anything in it. */
function middleOf(bucket: number): number {
  if (bucket === 0) return 0
  if (bucket === OVERFLOW) return 2 ** LARGEST_EXPONENT
  const octave = (bucket - 1) >> OCTAVE_BITS
  const part = (bucket - 1) & ((1 << OCTAVE_BITS) - 1)
  return 2 ** (SMALLEST_EXPONENT + octave) * (1 + (part + 0.5) / (1 << OCTAVE_BITS))
}

function addCounts(a: number, b: number): number {
  const sum = a + b
  if (!Number.isSafeInteger(sum)) throw new RangeError('a histogram holds at most 2^53 - 1 values')
  return sum
}

function bump(h: LatencyHistogram, bucket: number, n: number): void {
  const total = addCounts(h.total, n)
  if (bucket < h.first || bucket >= h.first + h.counts.length) cover(h, bucket, bucket)
  h.counts[bucket - h.first]! += n
  h.total = total
}

/** Makes room for the buckets `low` to `high`, with an octave to spare on either side so that growth is seldom. */
function cover(h: LatencyHistogram, low: number, high: number): void {
  const spare = 1 << OCTAVE_BITS
  const inUse = h.counts.length > 0
  const end = h.first + h.counts.length
  if (inUse && low >= h.first && high < end) return
  const first = inUse && low >= h.first ? h.first : Math.max(0, low - spare)
  const last = inUse && high < end ? end - 1 : Math.min(OVERFLOW, high + spare)
  const counts = new Float64Array(last - first + 1)
  counts.set(h.counts, inUse ? h.first - first : 0)
  h.first = first
  h.counts = counts
}
