import { type Draft, projects } from './draft.ts'
import type { Random } from './random.ts'
import { bodySpoils } from './spoil-body.ts'
import { requestSpoils, type Spoil } from './spoil-request.ts'
import { Deep, valueSpoils } from './spoil-value.ts'

/** Does one to three things to a valid request, in the order in which a request is built. */
export function spoil(draft: Draft, random: Random): void {
  const steps = random.pick([1, 1, 1, 2, 2, 3])
  for (let step = 0; step < steps; step++) {
    const table = random.whole(0, 2)
    if (table === 0 && draft.value !== undefined && draft.bytes === undefined && draft.text === undefined)
      spoilValue(draft, random)
    else if (table <= 1 && draft.operation?.body) apply(bodySpoils, draft, random)
    else apply(requestSpoils, draft, random)
  }
  keepOutOfTheBooks(draft)
}

function apply(table: Record<string, Spoil>, draft: Draft, random: Random): void {
  let name = random.pick(Object.keys(table))
  // Large ones are slow to make and to send; some are enough.
  if ((name === 'bomb' || name === 'too many bytes') && random.chance(0.8)) name = random.pick(Object.keys(table))
  table[name]!(draft, random)
  draft.mutations.push(name)
}

function spoilValue(draft: Draft, random: Random): void {
  const name = random.pick(Object.keys(valueSpoils))
  const spoilt = valueSpoils[name]!(draft.value, random)
  if (spoilt instanceof Deep) draft.text = spoilt.json
  else draft.value = spoilt
  draft.mutations.push(name)
}

/** Only the key of `books` writes there; an admin's request could be for it by a header. */
function keepOutOfTheBooks(draft: Draft): void {
  if (draft.method === 'GET' || draft.method === 'HEAD') return
  if (!draft.headers.some(([, value]) => value.includes('{admin}'))) return
  draft.headers = draft.headers.map(([name, value]) => [
    name,
    name === 'x-plimsoll-project' && value === projects.books ? projects.left : value
  ])
  draft.query = draft.query.map(([name, value]) => [name, value === projects.books ? projects.left : value])
}
