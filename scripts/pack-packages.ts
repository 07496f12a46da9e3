import { execFileSync } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { type PackageSources, sourcesFrom } from './package-sources.ts'
import { inDist, packedCode, packedManifest, packedTypes, type SourceManifest } from './packed-form.ts'
import { read, root } from './repository.ts'

/** What is published: the folders of `packages`, and the SDK. */
export function packageNames(): string[] {
  const names = readdirSync(join(root, 'packages'))
  return [...names.filter(name => existsSync(join(root, 'packages', name, 'package.json'))), 'sdk']
}

/** From the repository's root. */
export const folderOf = (name: string): string => (name === 'sdk' ? 'apps/sdk' : `packages/${name}`)

export function manifestOf(name: string): SourceManifest {
  return JSON.parse(read(`${folderOf(name)}/package.json`)) as SourceManifest
}

/**
 * Makes a tarball of each package: JavaScript, file by file as in the source, declarations beside it, and the files that
 * the code reads. Nothing is bundled, so that what a module finds by its own URL is where it was.
 * @returns the tarball of each name
 * @throws when a name is no package, or the compiler or npm fails
 */
export function packPackages(names: readonly string[], destination: string): Map<string, string> {
  const known = packageNames()
  const unknown = names.find(name => !known.includes(name))
  if (unknown !== undefined) throw new Error(`there is no package '${unknown}'; there are ${known.join(', ')}`)
  const staging = mkdtempSync(join(tmpdir(), 'plimsoll-pack-'))
  try {
    const sources = new Map(names.map(name => [name, sourcesOf(name)]))
    compile(
      [...sources.values()].flatMap(({ code }) => code),
      staging
    )
    for (const [name, { code, folders }] of sources) stage(name, code, folders, staging)
    return tarballs(names, staging, destination)
  } finally {
    rmSync(staging, { recursive: true, force: true })
  }
}

function sourcesOf(name: string): PackageSources {
  const doors = Object.values(manifestOf(name).exports)
    .flatMap(door => (typeof door === 'string' ? door : Object.values(door)))
    .map(door => join(folderOf(name), door))
  return sourcesFrom(doors, read)
}

/** All packages at once: one that uses another is checked against its source. */
function compile(code: string[], staging: string): void {
  const project = join(staging, 'tsconfig.json')
  const compilerOptions = {
    noEmit: false,
    noEmitOnError: true,
    declaration: true,
    rootDir: root,
    outDir: join(staging, 'made'),
    typeRoots: [join(root, 'node_modules/@types')]
  }
  const files = code.map(path => join(root, path))
  writeFileSync(project, JSON.stringify({ extends: join(root, 'tsconfig.json'), compilerOptions, include: [], files }))
  execFileSync(join(root, 'node_modules/.bin/tsc'), ['-p', project], { stdio: ['ignore', 'inherit', 'inherit'] })
}

function stage(name: string, code: string[], folders: string[], staging: string): void {
  const source = folderOf(name)
  const target = join(staging, name)
  const put = (path: string, text: string) => {
    mkdirSync(dirname(join(target, path)), { recursive: true })
    writeFileSync(join(target, path), text)
  }
  for (const path of code) {
    const made = (ending: string) => readFileSync(join(staging, 'made', path.replace(/\.ts$/, ending)), 'utf8')
    const place = inDist(path.slice(source.length + 1))
    put(`${place}.js`, packedCode(made('.js')))
    put(`${place}.d.ts`, packedTypes(made('.d.ts')))
  }
  for (const folder of folders) {
    const place = folder.slice(source.length + 1).replace(/^src/, 'dist')
    cpSync(join(root, folder), join(target, place), { recursive: true })
  }
  put('package.json', `${JSON.stringify(packedManifest(manifestOf(name)), null, 2)}\n`)
  put('README.md', read(join(source, 'README.md')))
  put('LICENSE', read('LICENSE'))
}

function tarballs(names: readonly string[], staging: string, destination: string): Map<string, string> {
  mkdirSync(destination, { recursive: true })
  const folders = names.map(name => `./${name}`)
  const said = execFileSync('npm', ['pack', '--json', '--pack-destination', destination, ...folders], {
    cwd: staging,
    env: outsideEnvironment(),
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit']
  })
  const packed = JSON.parse(said) as { name: string; filename: string }[]
  return new Map(
    names.map(name => {
      const { filename } = packed.find(made => made.name === manifestOf(name).name)!
      return [name, join(destination, filename)]
    })
  )
}

/** For npm in another folder: what `npm run` says of this repository would send it back here. */
export function outsideEnvironment(): NodeJS.ProcessEnv {
  const ofThisRun =
    /^(?:npm_(?:package|lifecycle)_.*|npm_config_local_prefix|npm_config_prefix|INIT_CWD|NODE_TEST_CONTEXT)$/
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !ofThisRun.test(name)))
}
