import { Client, type ClientOptions } from '../client.ts'
import { print } from '../output.ts'

export async function createKey(options: ClientOptions & { json: boolean; backfill: boolean }): Promise<void> {
  const made = await new Client(options).request<{ project: string; key: string }>(
    'POST',
    `/v1/projects/${encodeURIComponent(options.project)}/keys`,
    {
      body: { backfill: options.backfill }
    }
  )
  print(options.json, made, () => [
    made.key,
    '',
    `A write key for project ${made.project}. It is not shown again; only its hash is kept.`
  ])
}
