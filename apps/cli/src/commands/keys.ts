import { Client, type ClientOptions } from '../client.ts'
import { print } from '../output.ts'

export async function createKey(options: ClientOptions & { json: boolean; backfill: boolean }): Promise<void> {
  const made = await new Client(options).request<{ project: string; key: string }>('POST', pathOf(options.project), {
    body: { backfill: options.backfill }
  })
  print(options.json, made, () => [
    made.key,
    '',
    `A write key for project ${made.project}. It is not shown again; only its hash is kept.`
  ])
}

interface KeyRow {
  id: string
  backfill: boolean
  createdAt: string
  revokedAt: string | null
}

export async function listKeys(options: ClientOptions & { json: boolean }): Promise<void> {
  const listed = await new Client(options).get<{ keys: KeyRow[] }>(pathOf(options.project))
  print(options.json, listed, () =>
    listed.keys.map(
      ({ id, backfill, createdAt, revokedAt }) =>
        `${id}  made ${createdAt.slice(0, 16)}Z${backfill ? '  backfill' : ''}${revokedAt ? `  revoked ${revokedAt.slice(0, 16)}Z` : ''}`
    )
  )
}

export async function revokeKey(id: string, options: ClientOptions & { json: boolean }): Promise<void> {
  // The whole key is what people have at hand; what is secret in it is not sent.
  const name = /^plk_([a-z0-9]{12})_/.exec(id)?.[1] ?? id
  await new Client(options).request('DELETE', `${pathOf(options.project)}/${encodeURIComponent(name)}`)
  print(options.json, { project: options.project, id: name, revoked: true }, () => [
    `${name} of project ${options.project} is refused from now on, within a minute everywhere; what it sent stays.`
  ])
}

const pathOf = (project: string) => `/v1/projects/${encodeURIComponent(project)}/keys`
