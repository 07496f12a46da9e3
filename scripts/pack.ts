/**
 * `npm run pack [-- NAME…]`: tarballs of these packages, or of all, in `dist/`, for plain Node. Exit code 1 when one could
 * not be made.
 */
import { join, relative } from 'node:path'
import { packageNames, packPackages } from './pack-packages.ts'
import { root } from './repository.ts'

const named = process.argv.slice(2)
try {
  const made = packPackages(named.length > 0 ? named : packageNames(), join(root, 'dist'))
  for (const tarball of made.values()) console.log(relative(root, tarball))
} catch (error) {
  console.error((error as Error).message)
  process.exitCode = 1
}
