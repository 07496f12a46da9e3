import { type Attributes, context, type Span, SpanStatusCode, type Tracer, trace } from '@opentelemetry/api'
import type { RunOptions } from '../answer.ts'
import type { Work } from '../call.ts'
import type { PolicyEvent, PolicyListener } from '../events.ts'
import type { Outcome } from '../outcome.ts'

type Call<T> = (work: Work<T>, options: RunOptions | undefined) => Promise<Outcome<T>>

/**
 * Traces the calls that are made through it.
 *
 * Which span is active when something happens says little: a timer is shared by many calls, and who frees a slot runs who
 * waited for it. So each call's function is wrapped; the wrapper stands for the call in the policy's events, and has the
 * function run in the context in which the call was made.
 */
export class CallTracer {
  readonly #spans = new WeakMap<Work, Span>()
  readonly #policy: string
  /** Null when no span of its own is made for a call. */
  readonly #tracer: Tracer | null

  constructor(policy: string, tracer: Tracer | null) {
    this.#policy = policy
    this.#tracer = tracer
  }

  /** For the policy's `on`. */
  readonly hear: PolicyListener = (event, work) => {
    const span = work === null ? undefined : this.#spans.get(work)
    // What comes late finds its span ended.
    if (span?.isRecording()) span.addEvent(`resilience.${event.type}`, attributesOf(event))
  }

  async outcome<T>(call: Call<T>, work: Work<T>, options: RunOptions | undefined): Promise<Outcome<T>> {
    const name = this.#policy
    const own = this.#tracer?.startSpan(`resilience ${name}`, { attributes: { 'resilience.policy': name } })
    const span = own ?? trace.getActiveSpan()
    if (span === undefined) return call(work, options)
    const madeIn = own === undefined ? context.active() : trace.setSpan(context.active(), own)
    const wrapped: Work<T> = given => context.with(madeIn, work, undefined, given)
    this.#spans.set(wrapped, span)
    const outcome = await context.with(madeIn, call, undefined, wrapped, options)
    if (own !== undefined) end(own, outcome)
    return outcome
  }
}

function end(span: Span, outcome: Outcome<unknown>): void {
  span.setAttribute('resilience.outcome', outcome.kind)
  if (outcome.kind === 'ok') span.setAttribute('resilience.source', outcome.source)
  // That its caller left is no fault of the call.
  else if (outcome.kind !== 'aborted') {
    const type = typeOf(outcome.error)
    span.setAttribute('error.type', type).setStatus({ code: SpanStatusCode.ERROR, message: type })
  }
  span.end()
}

/** Of an error what kind it is, and no more: a message may hold what is not for traces. */
function typeOf(error: unknown): string {
  const { code, name } = Object(error) as { code?: unknown; name?: unknown }
  if (typeof code === 'string') return code
  return typeof name === 'string' ? name : typeof error
}

/** What an event has, as far as a span can hold it. */
function attributesOf({ type: _type, at: _at, ...rest }: PolicyEvent): Attributes {
  const attributes: Attributes = {}
  for (const [key, value] of Object.entries(rest)) {
    if (key === 'error') attributes['error.type'] = typeOf(value)
    else if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean') {
      attributes[`resilience.${snake(key)}`] = value
    }
  }
  return attributes
}

const snake = (name: string): string => name.replace(/[A-Z]/g, capital => `_${capital.toLowerCase()}`)
