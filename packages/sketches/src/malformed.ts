/** Bytes that are not what `encode` wrote: cut short, altered, or of a newer version. Nothing of them was taken. */
export class MalformedSketchError extends Error {
  override readonly name = 'MalformedSketchError'
  readonly code = 'SKETCH_MALFORMED'
}
