import { spawn } from 'node:child_process'
import { request as httpRequest } from 'node:http'
import { gzipSync } from 'node:zlib'

export interface Request {
  url: string
  headers: Record<string, string>
  body: string
  timeoutMs: number
}

export interface Answer {
  status: number
  retryAfterMs: number | undefined
  /** The whole text: half an answer is none, and rejects. */
  text: string
}

/** Sends one POST and resolves with the answer; rejects when there is none, or not all of it, in time. */
export type Transport = (request: Request) => Promise<Answer>

const waitOf = (header: string | null | undefined) =>
  header && /^\d+$/.test(header) ? Number(header) * 1_000 : undefined

/** `fetch`, with its connections kept open; some bodies are packed. */
export const byFetch: Transport = async ({ url, headers, body, timeoutMs }) => {
  const packed = body.length > 2_000
  const response = await fetch(url, {
    method: 'POST',
    headers: { ...headers, ...(packed ? { 'content-encoding': 'gzip' } : {}) },
    body: packed ? gzipSync(body) : body,
    signal: AbortSignal.timeout(timeoutMs)
  })
  const text = await response.text()
  return { status: response.status, retryAfterMs: waitOf(response.headers.get('retry-after')), text }
}

/** One connection for each request, so that each meets a fault on its own account. */
export const byConnection: Transport = ({ url, headers, body, timeoutMs }) =>
  new Promise((resolve, reject) => {
    const request = httpRequest(url, { method: 'POST', agent: false, headers, signal: AbortSignal.timeout(timeoutMs) })
    request.once('error', reject)
    request.once('response', response => {
      let text = ''
      response.setEncoding('utf8')
      response.on('data', (chunk: string) => {
        text += chunk
      })
      response.once('error', reject)
      response.once('close', () => {
        if (!response.complete) return reject(new Error('the answer was cut'))
        resolve({ status: response.statusCode!, retryAfterMs: waitOf(response.headers['retry-after']), text })
      })
    })
    request.end(body)
  })

/** A process of curl for each request. */
export const byCurl: Transport = ({ url, headers, body, timeoutMs }) =>
  new Promise((resolve, reject) => {
    const args = [
      '--silent',
      '--show-error',
      '--max-time',
      String(timeoutMs / 1_000),
      '--data-binary',
      '@-',
      '--include'
    ]
    for (const [name, value] of Object.entries(headers)) args.push('--header', `${name}: ${value}`)
    const curl = spawn('curl', [...args, '--header', 'expect:', url], { stdio: ['pipe', 'pipe', 'pipe'] })
    let out = ''
    let complaint = ''
    curl.stdout.setEncoding('utf8').on('data', (chunk: string) => {
      out += chunk
    })
    curl.stderr.setEncoding('utf8').on('data', (chunk: string) => {
      complaint += chunk
    })
    // It may die before it has read everything.
    curl.stdin.on('error', () => undefined).end(body)
    curl.once('error', reject)
    curl.once('close', code => {
      if (code !== 0) return reject(new Error(complaint.trim() || `curl ended with ${code}`))
      const end = out.indexOf('\r\n\r\n')
      const [, status] = /^HTTP\/1\.1 (\d{3})/.exec(out) ?? []
      if (end < 0 || status === undefined) return reject(new Error('curl printed no answer'))
      const [, wait] = /^retry-after: *(\d+)\r?$/im.exec(out.slice(0, end)) ?? []
      resolve({ status: Number(status), retryAfterMs: waitOf(wait), text: out.slice(end + 4) })
    })
  })
