import type { RebuildBegun, Views } from '@plimsoll/service-analytics/contract'
import { Client, type ClientOptions } from '../client.ts'
import { print } from '../output.ts'

/** `plimsoll views`: how each read model stands, and what is being built. */
export async function views(options: ClientOptions & { json: boolean }): Promise<void> {
  const standing = await new Client(options).get<Views>('/v1/views')
  print(options.json, standing, () => [
    ...standing.views.map(
      ({ name, version, mode, stalenessMs, state }) =>
        `${name.padEnd(20)} version ${version}, ${mode}, ${Math.round(stalenessMs)} ms behind${state === 'live' ? '' : `, ${state}`}`
    ),
    ...(standing.rebuild ? [progressOf(standing.rebuild)] : [])
  ])
}

/** `plimsoll rebuild [NAME…]`: builds them anew from the log; the live ones serve until then. */
export async function rebuildViews(names: string[], options: ClientOptions & { json: boolean }): Promise<void> {
  const body = names.length === 0 ? {} : { views: names }
  const begun = await new Client(options).request<RebuildBegun>('POST', '/v1/views/rebuild', { body })
  print(options.json, begun, () => [
    `begun: ${begun.views.join(', ')}. The live ones serve until it is done; \`plimsoll views\` says how far it is.`
  ])
}

function progressOf({ views, applied, perSecond, secondsLeft }: NonNullable<Views['rebuild']>): string {
  const left = secondsLeft === null ? '' : `, about ${Math.ceil(secondsLeft)} s left`
  return `building ${views.join(', ')}: ${applied.toLocaleString('en-GB')} events, ${Math.round(perSecond).toLocaleString('en-GB')} a second${left}`
}
