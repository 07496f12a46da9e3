/** Things in order of time, added in any order; equal times come out as they went in. A binary heap. */
export class EventQueue<Entry extends { timeMs: number }> {
  readonly #heap: { entry: Entry; turn: number }[] = []
  #turn = 0

  get size(): number {
    return this.#heap.length
  }

  add(entry: Entry): void {
    const heap = this.#heap
    const added = { entry, turn: this.#turn++ }
    let at = heap.length
    while (at > 0) {
      const parent = (at - 1) >>> 1
      if (before(heap[parent]!, added)) break
      heap[at] = heap[parent]!
      at = parent
    }
    heap[at] = added
  }

  /** Takes out everything before a time, in order. */
  *until(timeMs: number): Generator<Entry> {
    while (this.#heap.length > 0 && this.#heap[0]!.entry.timeMs < timeMs) yield this.#takeFirst()
  }

  #takeFirst(): Entry {
    const heap = this.#heap
    const first = heap[0]!
    const last = heap.pop()!
    if (heap.length === 0) return first.entry
    let at = 0
    while (true) {
      let child = at * 2 + 1
      if (child >= heap.length) break
      if (child + 1 < heap.length && before(heap[child + 1]!, heap[child]!)) child++
      if (before(last, heap[child]!)) break
      heap[at] = heap[child]!
      at = child
    }
    heap[at] = last
    return first.entry
  }
}

function before(
  a: { entry: { timeMs: number }; turn: number },
  b: { entry: { timeMs: number }; turn: number }
): boolean {
  return a.entry.timeMs < b.entry.timeMs || (a.entry.timeMs === b.entry.timeMs && a.turn < b.turn)
}
