import type { Rule } from '../diagnosis/rule.ts'
import { behindSubscribers } from './subscriber.ts'

export const subscriberSlow: Rule = {
  name: 'subscriber-slow',
  about: 'A subscriber handles less than it is given, and falls further and further behind.',
  explains: [],
  lever: {
    name: 'queue and more members',
    action:
      'See what it waits for: the processors (`top`), its store, or what its handler asks. billing and feed can run by themselves, with a store of their own (`npx plimsoll serve NAME`); a subscription of your own takes more members. Its events wait in the log as long as it takes; `npx plimsoll stats` says how far the numbers reach (asOf).',
    page: 'docs/patterns/pubsub.md'
  },
  find: timeline =>
    behindSubscribers(timeline)
      .filter(({ kind }) => kind === 'slow')
      .map(({ name, since, until, evidence }) => ({
        subject: name,
        title: `The subscriber ${name} is too slow and falls behind`,
        evidence,
        cost: `What ${name} tells is late and says so (asOf); others and the taking of events are not touched. Nothing is lost.`,
        since,
        ...(until === undefined ? {} : { until })
      }))
}
