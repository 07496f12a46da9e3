import { existsSync } from 'node:fs'
import { type Browser, chromium } from 'playwright-core'

const executablePath = '/usr/bin/chromium'

/** A reason to skip, or false. */
export const noChromium: string | false = existsSync(executablePath) ? false : `there is no ${executablePath}`

/** As every test and chaos starts it: it asks nobody but us. */
export const chromiumOptions = {
  executablePath,
  args: [
    '--no-sandbox',
    '--disable-gpu',
    '--disable-quic',
    '--no-first-run',
    '--disable-background-networking',
    '--disable-component-update',
    '--disable-sync'
  ]
}

export function launchChromium(): Promise<Browser> {
  return chromium.launch(chromiumOptions)
}
