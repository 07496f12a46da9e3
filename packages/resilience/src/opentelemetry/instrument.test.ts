import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { context, SpanStatusCode, trace } from '@opentelemetry/api'
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks'
import { MeterProvider, MetricReader } from '@opentelemetry/sdk-metrics'
import { InMemorySpanExporter, type ReadableSpan, SimpleSpanProcessor, TracerProvider } from '@opentelemetry/sdk-trace'
import { breaker } from '../breaker/breaker.ts'
import { bulkhead } from '../bulkhead/bulkhead.ts'
import { cache } from '../cache/cache.ts'
import { fallback } from '../fallback.ts'
import { hedge } from '../hedge/hedge.ts'
import { manualClock } from '../manual-clock.ts'
import { policy } from '../policy.ts'
import { retry } from '../retry/retry.ts'
import { timeout } from '../timeout.ts'
import { instrument } from './instrument.ts'

const down = () => Promise.reject(new Error('secret'))

describe('the metrics of a policy', () => {
  class Reader extends MetricReader {
    protected override async onForceFlush() {}
    protected override async onShutdown() {}
  }
  const setUp = () => {
    const reader = new Reader()
    const meter = new MeterProvider({ readers: [reader] }).getMeter('test')
    /** As `name{attributes} value`, sorted, the zeros left out. */
    const collect = async () => {
      const { resourceMetrics, errors } = await reader.collect()
      assert.deepEqual(errors, [])
      return resourceMetrics.scopeMetrics
        .flatMap(({ metrics }) => metrics)
        .flatMap(({ descriptor, dataPoints }) =>
          dataPoints
            .filter(({ value }) => value !== 0)
            .map(({ attributes, value }) => {
              const { policy: name, ...rest } = attributes
              return [name, descriptor.name.replace('resilience.', ''), ...Object.values(rest), value].join(' ')
            })
        )
        .sort()
    }
    return { meter, collect }
  }

  it('are what its snapshot says, read when they are collected, whoever makes the calls', async () => {
    const clock = manualClock()
    const { meter, collect } = setUp()
    const parts = [
      cache({ ttlMs: 1_000 }),
      retry({ attempts: 2, baseMs: 0 }),
      breaker({ window: { calls: 2 }, minimumCalls: 2 }),
      hedge({ afterMs: 50 }),
      bulkhead({ concurrency: 1, queue: 1 }),
      timeout(1_000)
    ]
    const p = policy('metadata', parts, { clock })
    using _ = instrument(p, { meter })
    await p.run(() => 'kept', { key: 'a' })
    await p.run(() => assert.fail('asked'), { key: 'a' })
    for (let i = 0; i < 3; i++) p.run(() => new Promise(() => {})).catch(() => {})
    await clock.flow(0)
    assert.deepEqual(await collect(), [
      'metadata breaker.admits 1',
      'metadata breaker.state closed 1',
      'metadata bulkhead.queued 1',
      'metadata bulkhead.running 1',
      'metadata cache.keys 1',
      'metadata hedge.after 0.05',
      'metadata policy.cache hit 1',
      'metadata policy.calls ok 2',
      'metadata policy.calls rejected 1',
      'metadata policy.in_flight 2',
      'metadata policy.invocations 2',
      'metadata policy.rejections bulkhead 1'
    ])
    await clock.flow(1_000)
    const later = await collect()
    for (const line of ['policy.timeouts 1', 'policy.calls failed 1', 'policy.in_flight 1']) {
      assert.ok(later.includes(`metadata ${line}`), `${line} in\n${later.join('\n')}`)
    }
  })

  it('tell policies apart by name, and end for the one that is disposed of', async () => {
    const { meter, collect } = setUp()
    const [a, b] = [policy('a', []), policy('b', [])]
    const watched = instrument(a, { meter })
    instrument(b, { meter })
    await a.run(() => 1)
    await b.run(() => 1)
    const ofA = (lines: string[]) => lines.filter(line => line.startsWith('a '))
    assert.deepEqual(ofA(await collect()), ['a policy.calls ok 1', 'a policy.invocations 1'])
    watched[Symbol.dispose]()
    watched[Symbol.dispose]()
    await a.run(() => 1)
    const after = await collect()
    assert.ok(!after.includes('a policy.calls ok 2'))
    assert.ok(after.includes('b policy.calls ok 1'))
    assert.equal(await watched.run(() => 'still a policy'), 'still a policy')
  })
})

describe('the spans of a policy', () => {
  const exporter = new InMemorySpanExporter()
  const provider = new TracerProvider({ spanProcessors: [new SimpleSpanProcessor({ exporter })] })
  const tracer = provider.getTracer('test')
  before(() => context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable()))
  after(() => context.disable())

  /** Runs `fn` within a span of that name, and gives its events once it has ended. */
  const within = <T>(name: string, fn: () => Promise<T>): Promise<T> =>
    tracer.startActiveSpan(name, span => fn().finally(() => span.end()))
  const finished = (): ReadableSpan[] => {
    const spans = exporter.getFinishedSpans()
    exporter.reset()
    return spans
  }
  const told = (span: ReadableSpan) => span.events.map(({ name }) => name)

  it('are told in the active span what happened to its call, by kind and not in words', async () => {
    const p = policy('p', [fallback('unknown'), retry({ idempotent: true, attempts: 2, baseMs: 0 })])
    using watched = instrument(p, { tracer })
    await within('request', () => watched.run(down))
    const [span] = finished()
    assert.deepEqual(told(span!), ['resilience.retry', 'resilience.retry.stopped', 'resilience.fallback'])
    const {
      'error.type': type,
      'resilience.policy': name,
      'resilience.attempts': attempts
    } = span!.events[1]!.attributes!
    assert.deepEqual([type, name, attempts], ['Error', 'p', 2])
    assert.ok(!JSON.stringify(span!.events).includes('secret'))
  })

  it('are told of their own calls only, though a timer is shared and a slot is handed on', async () => {
    const clock = manualClock()
    const p = policy('p', [timeout(100), bulkhead({ concurrency: 1, queue: 1 })], { clock })
    using watched = instrument(p, { tracer })
    const gate = Promise.withResolvers<string>()
    const spansSeen: unknown[] = []
    const call = (name: string, answer: () => Promise<string>) =>
      within(name, () =>
        watched
          .run(() => {
            spansSeen.push((trace.getActiveSpan() as unknown as ReadableSpan).name)
            return answer()
          })
          .catch(() => {})
      )
    const first = call('first', () => gate.promise)
    await clock.flow(50)
    const second = call('second', () => new Promise(() => {}))
    gate.resolve('done')
    await first
    await clock.flow(100)
    await second
    // The slot of the first was given to the second, which runs in its own context all the same.
    assert.deepEqual(spansSeen, ['first', 'second'])
    assert.deepEqual(
      finished().map(span => [span.name, ...told(span)]),
      [['first'], ['second', 'resilience.timeout']]
    )
  })

  it('are made for each call when asked, around what the function does, with how it ended', async () => {
    const p = policy('p', [breaker()], { clock: manualClock() })
    using watched = instrument(p, { tracer, spans: true })
    await watched.run(() => within('inner', async () => 1))
    await watched.outcome(down)
    p.breaker!.forceOpen()
    await assert.rejects(
      watched.run(() => 1),
      { code: 'RESILIENCE_BREAKER_OPEN' }
    )
    await watched.outcome(() => 1, { signal: AbortSignal.abort() })
    const [inner, ...own] = finished()
    assert.equal(inner!.parentSpanContext!.spanId, own[0]!.spanContext().spanId)
    const outcome = ({ attributes, status }: ReadableSpan) => [
      attributes['resilience.outcome'],
      attributes['error.type'],
      status.code === SpanStatusCode.ERROR
    ]
    assert.deepEqual(own.map(outcome), [
      ['ok', undefined, false],
      ['failed', 'Error', true],
      ['rejected', 'RESILIENCE_BREAKER_OPEN', true],
      ['aborted', undefined, false]
    ])
    assert.deepEqual(own.map(told), [[], [], ['resilience.breaker.rejected'], []])
    assert.deepEqual([...new Set(own.map(({ name }) => name))], ['resilience p'])
  })

  it('are left alone by what comes late, and by a policy that is disposed of', async () => {
    const clock = manualClock()
    const p = policy('p', [timeout(100)], { clock })
    const watched = instrument(p, { tracer, spans: true })
    const gate = Promise.withResolvers<void>()
    const answer = watched.outcome(() => gate.promise)
    await clock.flow(100)
    await answer
    gate.resolve()
    await clock.flow(0)
    assert.deepEqual(finished().map(told), [['resilience.timeout']])
    watched[Symbol.dispose]()
    await watched.run(() => 1)
    assert.deepEqual(finished(), [])
  })

  it('need a tracer', () => {
    assert.throws(() => instrument(policy('p', []), { spans: true }), RangeError)
  })
})
