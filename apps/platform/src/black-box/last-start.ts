import { createHmac } from 'node:crypto'
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import type { Recorder } from '@plimsoll/recorder'
import { isSecret, type Settings, settingNames } from '../settings.ts'

interface Started {
  version: string
  /** Each setting as text; of a secret only a keyed hash. */
  settings: Record<string, string>
}

/**
 * Tells of a start, and of what is different from the last one: the version, and each setting. Of a secret nothing is told
 * but that it changed.
 * @param file keeps what this start was like, for the next one
 * @param key for the hashes of secrets
 */
export function tellStart(
  { settings, version, file, key }: { settings: Settings; version: string; file: string; key: string },
  happened: Recorder['occurrence']
): void {
  const now: Started = { version, settings: {} }
  for (const name of settingNames) {
    const text = String(settings[name])
    now.settings[name] = isSecret(name) && text !== '' ? digestOf(text, key) : text
  }
  const last = readStarted(file)
  const digest = digestOf(JSON.stringify(now.settings), key).slice(0, 12)
  happened('start', { detail: { version, node: process.version, settings: digest, pid: process.pid } })
  if (last && last.version !== version) happened('version', { detail: { from: last.version, to: version } })
  for (const name of settingNames) {
    const from = last?.settings[name]
    const to = now.settings[name]!
    if (from === undefined || from === to) continue
    happened('configuration', {
      subject: name,
      detail: isSecret(name) ? { key: name, changed: true } : { key: name, from, to }
    })
  }
  keep(file, now)
}

const digestOf = (text: string, key: string) => createHmac('sha256', key).update(text).digest('hex')

function readStarted(file: string): Started | undefined {
  try {
    const { version, settings } = JSON.parse(readFileSync(file, 'utf8')) as Partial<Started>
    return typeof version === 'string' && typeof settings === 'object' && settings !== null
      ? { version, settings }
      : undefined
  } catch {
    return undefined
  }
}

function keep(file: string, started: Started): void {
  try {
    mkdirSync(dirname(file), { recursive: true, mode: 0o700 })
    writeFileSync(`${file}.new`, JSON.stringify(started), { mode: 0o600 })
    renameSync(`${file}.new`, file)
  } catch {
    // A full disk: the next start compares with the one before this.
  }
}
