import type { Rule } from '../diagnosis/rule.ts'
import { behindSubscribers } from './subscriber.ts'

export const subscriberPoisoned: Rule = {
  name: 'subscriber-poisoned',
  about: 'A subscriber fails again and again at the same message.',
  explains: [],
  lever: {
    name: 'dead-letter queue',
    action:
      'Read its error above, and in full in what the platform prints (stderr). Is its store or what it asks ill, mend that: it goes on by itself. Is it the message, mend the handler and start it again; a message that alone fails is set aside with what comes behind it of its key, and the others go on.',
    page: 'docs/patterns/pubsub.md'
  },
  find: timeline =>
    behindSubscribers(timeline)
      .filter(({ kind }) => kind === 'poisoned')
      .map(({ name, since, until, evidence }) => ({
        subject: name,
        title: `The subscriber ${name} fails again and again at the same place`,
        evidence,
        cost: `What ${name} tells is late or lacks that key; others and the taking of events are not touched. The message is kept.`,
        since,
        ...(until === undefined ? {} : { until })
      }))
}
