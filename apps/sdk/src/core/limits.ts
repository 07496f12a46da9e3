/** What the ingest contract bounds. Sizes in bytes, times in milliseconds. */
export const batchEvents = 500
/** Of JSON before compression, so that a batch fits the wire's 1,000,000 however badly it packs. */
export const batchBytes = 900_000
export const eventBytes = 32_000
/** Events older than this are not taken. */
export const lateMs = 34 * 86_400_000
/** What a browser sends for a page that is gone: 64 KiB of bodies at once, with room for another sender. */
export const keepaliveBytes = 60_000

export const bytesOf = (text: string): number => new TextEncoder().encode(text).length
