import type { Bucket } from './bucket.ts'

/** So many of those charged longest ago are looked at for one to forget: the work of a call stays the same. */
const LOOKS = 8

/**
 * A bucket for each key, `max` at most.
 *
 * A bucket that has filled up again decides as a new one would, so a key is forgotten without harm once it has been idle
 * for that long, and only then: to forget one in debt would give it its burst anew, and who can make up keys could have
 * others forgotten. When all that are looked at are in debt, the keys that are not known share one bucket, so that many
 * keys are never worth more than `max` + 1 limits.
 */
export class Buckets {
  readonly #max: number
  readonly #make: (now: number) => Bucket
  /** The one that was charged longest ago comes first. */
  readonly #map = new Map<string, Bucket>()
  #shared: Bucket | null = null

  constructor(max: number, make: (now: number) => Bucket) {
    this.#max = max
    this.#make = make
  }

  get size(): number {
    return this.#map.size
  }

  of(key: string, now: number): Bucket {
    const known = this.#map.get(key)
    if (known !== undefined) return known
    if (this.#map.size >= this.#max && !this.#forgetOne(now)) {
      this.#shared ??= this.#make(now)
      return this.#shared
    }
    const bucket = this.#make(now)
    this.#map.set(key, bucket)
    return bucket
  }

  /** The key has taken something. */
  charged(key: string, bucket: Bucket): void {
    if (this.#map.get(key) !== bucket) return
    this.#map.delete(key)
    this.#map.set(key, bucket)
  }

  #forgetOne(now: number): boolean {
    let looks = 0
    for (const [key, bucket] of this.#map) {
      if (bucket.full(now)) return this.#map.delete(key)
      if (++looks === LOOKS) return false
    }
    return false
  }
}
