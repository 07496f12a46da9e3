import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { globSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, type TestContext, test } from 'node:test'
import { folderOf, manifestOf, outsideEnvironment, packageNames, packPackages } from './pack-packages.ts'
import { examplesOf } from './readme-examples.ts'
import { read, root } from './repository.ts'

/**
 * What a stranger does: installs a package from its tarball into a folder of their own, and runs what its readme shows. No
 * file of this repository is in reach but the types of Node, which everybody has.
 */

// A readme names its own store, so there is nothing to see on another one.
const packages = process.env.PLIMSOLL_DATABASE_URL ? [] : packageNames()
const home = mkdtempSync(join(tmpdir(), 'plimsoll-readme-'))
let tarballs: Map<string, string>

before(() => {
  if (packages.length === 0) return
  tarballs = packPackages(packages, join(home, 'tarballs'))
})
after(() => rmSync(home, { recursive: true, force: true }))

interface Ended {
  code: number | null
  output: string
}

function run(command: string, args: string[], cwd: string, timeoutMs: number): Promise<Ended> {
  const env = {
    ...outsideEnvironment(),
    // One data directory is made by what was packed; the others are copied from it, which saves seconds.
    PLIMSOLL_DATABASE_TEMPLATE: join(home, 'template')
  }
  return new Promise(resolve => {
    const child = execFile(command, args, { cwd, env, timeout: timeoutMs, killSignal: 'SIGKILL' }, (_error, out, err) =>
      resolve({ code: child.exitCode, output: `${out}${err}` })
    )
  })
}

/** This package and those of the house that it needs. */
function withDependencies(name: string): string[] {
  const own = Object.keys(manifestOf(name).dependencies ?? {})
    .filter(dependency => dependency.startsWith('@plimsoll/'))
    .map(dependency => dependency.slice('@plimsoll/'.length))
  return [...new Set([name, ...own.flatMap(withDependencies)])]
}

/** What a reader installs beside it: what its doors and examples may use, in the versions that it is tested with. */
function besides(name: string): string[] {
  const { peerDependencies = {}, devDependencies = {} } = manifestOf(name)
  const readme = read(`${folderOf(name)}/README.md`)
  return Object.entries({ ...peerDependencies, ...devDependencies })
    .filter(([needed]) => needed in peerDependencies || readme.includes(`from '${needed}'`))
    .map(([needed, version]) => `${needed}@${version}`)
}

/** Installs from the tarballs; `false` when others are needed from a registry that cannot be reached. */
async function install(t: TestContext, name: string, folder: string): Promise<boolean> {
  const files = [...withDependencies(name).map(needed => tarballs.get(needed)!), ...besides(name)]
  const options = ['--prefer-offline', '--no-audit', '--no-fund', '--no-progress', '--ignore-scripts']
  const { code, output } = await run('npm', ['install', ...options, ...files], folder, 120_000)
  if (code !== 0 && /ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ENOTCACHED|ETIMEDOUT/.test(output)) {
    t.skip('the registry cannot be reached')
    return false
  }
  assert.equal(code, 0, output)
  return true
}

const compilerOptions = {
  target: 'esnext',
  module: 'nodenext',
  lib: ['esnext'],
  types: ['node'],
  typeRoots: [join(root, 'node_modules/@types')],
  strict: true,
  exactOptionalPropertyTypes: true,
  moduleDetection: 'force',
  allowImportingTsExtensions: true,
  erasableSyntaxOnly: true,
  skipLibCheck: false,
  noEmit: true
}

describe('a packed package', { concurrency: 2 }, () => {
  for (const name of packages) {
    test(`${name}: its readme runs as written, outside of the repository`, async t => {
      const folder = join(home, name)
      mkdirSync(folder)
      const put = (file: string, text: string) => writeFileSync(join(folder, file), text)
      put('package.json', JSON.stringify({ name: 'stranger', private: true, type: 'module' }))
      if (!(await install(t, name, folder))) return

      const examples = examplesOf(read(`${folderOf(name)}/README.md`)).filter(({ use }) => use !== 'shown')
      const { name: full, exports } = manifestOf(name)
      const doors = Object.keys(exports).map(door => `import '${full}${door.slice(1)}'`)
      put('every-door.ts', `${doors.join('\n')}\n`)
      put('tsconfig.json', JSON.stringify({ compilerOptions, include: ['*.ts'] }))
      for (const { file, code } of examples) put(file, code)

      const types = await run(join(root, 'node_modules/.bin/tsc'), ['-p', folder], folder, 60_000)
      assert.equal(types.code, 0, types.output)
      const toRun = examples.filter(({ use }) => use === 'run')
      assert.ok(toRun.length > 0, 'a readme has an example')
      for (const { file, line, prints } of [{ file: 'every-door.ts', line: 0, prints: undefined }, ...toRun]) {
        const { code, output } = await run(process.execPath, [file], folder, 60_000)
        assert.equal(code, 0, `${folderOf(name)}/README.md:${line} ended with ${code}\n${output}`)
        if (prints !== undefined)
          assert.equal(output, prints, `${folderOf(name)}/README.md:${line} prints something else`)
      }
      assert.deepEqual(globSync('node_modules/@plimsoll/*/**/*.test.*', { cwd: folder }), [])
    })
  }
})

test('hardly any example is only shown', () => {
  const shown = packages.flatMap(name =>
    examplesOf(read(`${folderOf(name)}/README.md`)).filter(({ use }) => use === 'shown')
  )
  assert.ok(shown.length <= 2, `${shown.length} examples are not run`)
})
