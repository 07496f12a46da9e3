import { writeFileSync } from 'node:fs'
import { drawStory } from './picture.ts'
import { playStory } from './simulation.ts'

/** `npm run picture`: plays the story with and without the policies, and draws it for the page on the circuit breaker. */
const picture = new URL('../../docs/patterns/circuit-breaker.svg', import.meta.url)
writeFileSync(picture, drawStory({ withPolicies: await playStory(true), without: await playStory(false) }))
