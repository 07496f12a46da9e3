import { fileURLToPath } from 'node:url'
import { rolldown } from 'rolldown'

const entry = fileURLToPath(new URL('../browser/index.ts', import.meta.url))

/** The browser's SDK as one minified ES module, as a bundler makes it. */
export async function bundleForBrowser(input = entry): Promise<string> {
  const bundle = await rolldown({ input, platform: 'browser' })
  try {
    const { output } = await bundle.generate({ format: 'esm', minify: true })
    return output[0].code
  } finally {
    await bundle.close()
  }
}
