import { Client, type ClientOptions } from '../client.ts'
import { print } from '../output.ts'

export async function signIn(options: ClientOptions & { json: boolean }): Promise<void> {
  const client = new Client(options)
  const { token } = await client.request<{ token: string }>('POST', '/v1/sign-in-links')
  const link = `${client.url}/sign-in#${token}`
  print(options.json, { link }, () => [link])
}
