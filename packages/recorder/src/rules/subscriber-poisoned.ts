import type { Rule } from '../diagnosis/rule.ts'
import { behindSubscribers } from './subscriber.ts'

export const subscriberPoisoned: Rule = {
  name: 'subscriber-poisoned',
  about: 'A subscriber fails again and again at the same message.',
  explains: [],
  lever: {
    name: 'dead-letter queue',
    action:
      'Read its error in the log of the platform: it names the message. Mend the handler and start it again, or set the message aside; the other messages go on meanwhile.',
    page: 'docs/patterns/pubsub.md'
  },
  find: timeline =>
    behindSubscribers(timeline)
      .filter(({ kind }) => kind === 'poisoned')
      .map(({ name, since, until, evidence }) => ({
        subject: name,
        title: `The subscriber ${name} fails again and again at a message it cannot handle`,
        evidence,
        cost: `What ${name} tells is late or lacks that key; others and the taking of events are not touched. The message is kept.`,
        since,
        ...(until === undefined ? {} : { until })
      }))
}
