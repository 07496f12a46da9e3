import type { Rule } from '../diagnosis/rule.ts'
import { behindSubscribers } from './subscriber.ts'

export const subscriberDead: Rule = {
  name: 'subscriber-dead',
  about: 'A subscriber handles nothing any more.',
  explains: [],
  lever: {
    name: 'queue and restart',
    action:
      'Start it again; it goes on where it stopped and counts each thing once. Inside the platform it is started with it: end the platform’s process (`kill -9`, the PID is in platform.json of the data folder) and the watcher starts both. One that runs by itself: `npx plimsoll serve NAME`.',
    page: 'docs/patterns/pubsub.md'
  },
  find: timeline =>
    behindSubscribers(timeline)
      .filter(({ kind }) => kind === 'dead')
      .map(({ name, since, until, evidence }) => ({
        subject: name,
        title: `The subscriber ${name} is dead: it handles nothing`,
        evidence,
        cost: `What ${name} tells stands still and says how old it is (asOf); others and the taking of events are not touched. Its messages wait in the log.`,
        since,
        ...(until === undefined ? {} : { until })
      }))
}
