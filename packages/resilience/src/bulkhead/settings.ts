import type { BulkheadRefusal } from '../errors.ts'
import { checkMs, checkWhole } from '../part.ts'

export interface BulkheadOptions {
  /** How many calls run at once. */
  concurrency: number
  /** How many more may wait for a slot. Default 0. */
  queue?: number
  /** How long one waits at most, in milliseconds. Default Infinity: until its deadline or its caller ends it. */
  queueTimeoutMs?: number
  /**
   * What one `key` of `run` may have at most: `concurrency` slots, and `queue` of the waiting places (default: the same
   * share of them as of the slots, rounded up). A call without a key is under no such limit. Default: no limit per key.
   */
  perKey?: { concurrency: number; queue?: number }
}

export interface BulkheadSettings {
  concurrency: number
  queue: number
  queueTimeoutMs: number
  perKey: { concurrency: number; queue: number } | null
}

/** Fills in the defaults. The given object is left as it is. @throws RangeError for what is out of range. */
export function bulkheadSettings(options: BulkheadOptions): BulkheadSettings {
  const { concurrency, queue = 0, queueTimeoutMs = Infinity, perKey } = options
  checkWhole('concurrency', concurrency, 1)
  checkWhole('queue', queue, 0)
  checkMs('queueTimeoutMs', queueTimeoutMs, { endless: true })
  return {
    concurrency,
    queue,
    queueTimeoutMs,
    perKey: perKey === undefined ? null : perKeySettings(perKey, concurrency, queue)
  }
}

function perKeySettings(
  { concurrency: slots, queue: places }: { concurrency: number; queue?: number },
  concurrency: number,
  queue: number
): { concurrency: number; queue: number } {
  checkWhole('perKey.concurrency', slots, 1)
  if (slots > concurrency) throw new RangeError('perKey.concurrency is more than there are slots')
  const share = Math.ceil((queue * slots) / concurrency)
  return { concurrency: slots, queue: checkWhole('perKey.queue', places ?? share, 0) }
}

/** What it will do, in words. */
export function explainBulkhead({ concurrency, queue, queueTimeoutMs, perKey }: BulkheadSettings): string {
  const wait = queueTimeoutMs === Infinity ? '' : ` for up to ${queueTimeoutMs} ms`
  const others = queue === 0 ? 'none waits' : `${queue} more wait${wait}, first come first served`
  const each = perKey === null ? '' : `; of one key ${perKey.concurrency} run and ${perKey.queue} wait at most`
  return `bulkhead: ${concurrency} run at once, ${others}, and the rest are refused${each}`
}

/** The message of a refusal. */
export function whyRefused(
  reason: BulkheadRefusal,
  { concurrency, queue, queueTimeoutMs, perKey }: BulkheadSettings
): string {
  const wait = (places: number) => (places === 0 ? 'none may wait' : `${places} wait already`)
  if (reason === 'full') return `all ${concurrency} slots are taken and ${wait(queue)}`
  if (reason === 'key-full') return `of its key ${perKey!.concurrency} run or ${wait(perKey!.queue)}, as many as may`
  if (reason === 'displaced') return 'a call of a higher priority took its place in the queue'
  return `no slot came free within ${queueTimeoutMs} ms`
}
