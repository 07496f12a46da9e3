import type { Diagnosis, Incident } from '@plimsoll/recorder'
import { undoWhenInterrupted } from '../undo.ts'
import { askWhy, type Cause, incidentOf, inOrder, isOf, namesOf, placeOf } from './asked-why.ts'
import type { Fault, Scene } from './fault.ts'

const everyMs = 500
/** Of one fault before the other, where both at once would hide it. */
const headStartMs = 6_000
/** So long a named cause must stay first. */
const steadyMs = 1_500

export interface Played {
  /** The place of the right cause among the causes: 1 is the first, 0 is none. */
  place: number
  /** From the beginning of the fault until it was named first; undefined = never. */
  secondsUntilNamed: number | undefined
  /** Causes that were named before anything was broken, and went on. */
  before: string[]
  /** What was said last while the fault was on, and what stood first before it was right. */
  said: string[]
  first: string[]
  diagnosis: Diagnosis
  incident: Incident
}

/** Breaks, asks `why` until it is right or the time is over, and mends. */
export async function play(fault: Fault, scene: Scene): Promise<Played> {
  return during([fault], scene, diagnosis => placeOf(fault.cause, diagnosis) === 1, fault.cause)
}

/** Two at once. Both must be named, the root before what follows from it. */
export async function playPair(
  root: Fault,
  other: Fault,
  scene: Scene,
  otherFirst = false
): Promise<Played & { otherPlace: number }> {
  const places = (diagnosis: Diagnosis) => {
    const all = inOrder(diagnosis.causes)
    return [root, other].map(({ cause }) => all.findIndex(one => isOf(cause, one)) + 1) as [number, number]
  }
  const played = await during(
    otherFirst ? [other, root] : [root, other],
    scene,
    diagnosis => {
      const [first, second] = places(diagnosis)
      return first > 0 && second > first
    },
    root.cause,
    otherFirst ? headStartMs : 0
  )
  const [place, otherPlace] = places(played.diagnosis)
  return { ...played, place, otherPlace }
}

async function during(
  broken: readonly Fault[],
  scene: Scene,
  isRight: (diagnosis: Diagnosis) => boolean,
  cause: Cause,
  headStartMs = 0
): Promise<Played> {
  const goesOn = askWhy(scene.data).causes.filter(({ until }) => until === undefined)
  const before = goesOn.map(({ rule, subject }) => `${rule} (${subject})`)
  const mend: (() => Promise<void>)[] = []
  const first: string[] = []
  const putBack = async () => {
    for (const end of mend.splice(0).reverse()) await end()
  }
  const settled = undoWhenInterrupted(putBack)
  const beganAt = performance.now()
  let diagnosis = askWhy(scene.data)
  let incident: Incident | undefined
  let rightAt: number | undefined
  try {
    for (const fault of broken) {
      if (mend.length > 0) await pause(headStartMs)
      mend.push(await fault.begin(scene))
    }
    const withinMs = 1_000 * Math.max(...broken.map(({ withinSeconds = 20 }) => withinSeconds))
    for (let passed = 0; passed < withinMs; passed = performance.now() - beganAt) {
      await pause(everyMs)
      diagnosis = askWhy(scene.data)
      const name = namesOf(diagnosis)[0] ?? 'nothing'
      if (first.at(-1) !== name) first.push(name)
      if (!isRight(diagnosis)) rightAt = undefined
      else rightAt ??= performance.now()
      if (rightAt !== undefined && performance.now() - rightAt >= steadyMs) break
    }
    incident = incidentOf(scene.data, diagnosis)
  } finally {
    await putBack()
    settled()
  }
  return {
    place: placeOf(cause, diagnosis),
    secondsUntilNamed: rightAt === undefined ? undefined : Math.round((rightAt - beganAt) / 100) / 10,
    before,
    said: namesOf(diagnosis),
    first,
    diagnosis,
    incident
  }
}

/** Waits until nothing is said to be wrong any more, or not much longer. */
export async function untilQuiet(scene: Scene, mostMs: number): Promise<number> {
  const beganAt = performance.now()
  while (performance.now() - beganAt < mostMs) {
    await pause(everyMs)
    if (askWhy(scene.data).causes.every(({ until }) => until !== undefined)) break
  }
  return (performance.now() - beganAt) / 1_000
}

export const pause = (ms: number) => new Promise<void>(resolve => setTimeout(resolve, ms))
