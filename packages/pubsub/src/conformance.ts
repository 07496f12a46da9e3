import assert from 'node:assert/strict'
import { after, afterEach, before, describe, it } from 'node:test'
import type { Broker } from './broker.ts'
import type { Capabilities } from './capabilities.ts'
import { deadLetterCases } from './conformance/dead-letters.ts'
import { failureCases, type Reach } from './conformance/failures.ts'
import { flowCases } from './conformance/flow.ts'
import { groupCases } from './conformance/groups.ts'
import { messageCases } from './conformance/messages.ts'
import { onceCases } from './conformance/once.ts'
import { orderCases } from './conformance/order.ts'
import { replayCases } from './conformance/replay.ts'
import { Bench, type BrokerUnderTest, makeEffects } from './conformance/under-test.ts'
import { worldCases } from './conformance/world.ts'
import { PubSub } from './pubsub.ts'

export type { BrokerUnderTest } from './conformance/under-test.ts'

/**
 * What every broker must keep, whatever it is. What one cannot do is in its capability table; the suite checks that too, so
 * that the table cannot say more, or less, than is true. A case that makes no sense on a broker is not registered for it.
 */
export function pubsubConformance(
  name: string,
  capabilities: Capabilities,
  reach: Reach,
  open: () => Promise<BrokerUnderTest>
): void {
  describe(`pubsub conformance: ${name}`, () => {
    let under: BrokerUnderTest
    let broker: Broker
    let bench: Bench
    before(async () => {
      under = await open()
      await PubSub.migrate(under.database)
      await makeEffects(under.database)
      broker = await under.connect(under.database)
      bench = new Bench(under, broker)
    })
    afterEach(() => bench.clear())
    after(async () => {
      await broker?.close()
      await under?.close()
    })

    it('has the capability table that it says', () => assert.deepEqual(broker.capabilities, capabilities))
    // First: a broker that has few queues yet is back sooner.
    describe('failures', () => failureCases(() => bench, reach))
    describe('messages', () => messageCases(() => bench))
    describe('groups', () => groupCases(() => bench, capabilities))
    describe('handled once', () => onceCases(() => bench))
    describe('order', () => orderCases(() => bench))
    describe('dead letters', () => deadLetterCases(() => bench))
    describe('the world', () => worldCases(() => bench))
    describe('flow', () => flowCases(() => bench, capabilities))
    describe('replay', () => replayCases(() => bench, capabilities))
  })
}
