/** A signal that is aborted when the run is told to stop, so that what it has started is ended in order. */
export function interruption(): { signal: AbortSignal } & Disposable {
  const controller = new AbortController()
  const stop = (name: NodeJS.Signals) => controller.abort(new Error(`stopped by ${name}`))
  process.once('SIGINT', stop)
  process.once('SIGTERM', stop)
  return {
    signal: controller.signal,
    [Symbol.dispose]() {
      process.off('SIGINT', stop)
      process.off('SIGTERM', stop)
    }
  }
}
