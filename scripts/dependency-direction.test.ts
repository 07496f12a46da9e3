import assert from 'node:assert/strict'
import { test } from 'node:test'
import { directionFaults, type Workspace } from './dependency-direction.ts'

const workspace = (folder: string, name: string, rest: Partial<Workspace> = {}): Workspace => ({
  folder,
  name,
  exports: ['.'],
  dependencies: [],
  devDependencies: [],
  ...rest
})

const house = [
  workspace('', 'plimsoll', { devDependencies: ['fast-check'] }),
  workspace('packages/http', '@plimsoll/http', { dependencies: ['fastify', '@plimsoll/clock'] }),
  workspace('packages/clock', '@plimsoll/clock', { exports: ['.', './adapters/*'] }),
  workspace('services/ingest', '@plimsoll/service-ingest', {
    dependencies: ['@plimsoll/http', '@plimsoll/clock', '@plimsoll/service-reads', '@plimsoll/cli', 'fastify'],
    devDependencies: ['autocannon']
  }),
  workspace('services/reads', '@plimsoll/service-reads'),
  workspace('apps/cli', '@plimsoll/cli', { dependencies: ['@plimsoll/service-ingest', '@plimsoll/http'] }),
  workspace('examples/shop', '@plimsoll/example-shop', {
    dependencies: ['@plimsoll/http', '@plimsoll/service-ingest']
  })
]

const faults = (path: string, ...imports: string[]) => directionFaults([{ path, imports }], house)

test('arrows that point down are fine', () => {
  assert.deepEqual(faults('packages/http/src/fastify.ts', 'fastify', 'node:crypto', 'fs', '@plimsoll/clock'), [])
  assert.deepEqual(faults('services/ingest/src/service.ts', '@plimsoll/http', 'fastify', './contract.ts'), [])
  assert.deepEqual(faults('apps/cli/src/main.ts', '@plimsoll/service-ingest', '@plimsoll/http'), [])
  assert.deepEqual(faults('examples/shop/src/order.ts', '@plimsoll/http'), [])
})

test('a package never imports a service or an app', () => {
  assert.match(
    faults('packages/http/src/a.ts', '@plimsoll/service-ingest')[0]!,
    /wrong way: packages may import only packages/
  )
  assert.match(faults('packages/http/src/a.test.ts', '@plimsoll/cli')[0]!, /wrong way/)
})

test('a service never imports another service or an app, even when it declares it', () => {
  assert.match(faults('services/ingest/src/a.ts', '@plimsoll/service-reads')[0]!, /wrong way/)
  assert.match(faults('services/ingest/src/a.ts', '@plimsoll/cli')[0]!, /wrong way/)
})

test('only the tests of an app import what benches are made of', () => {
  const withBench = [
    ...house.filter(({ name }) => name !== '@plimsoll/cli'),
    workspace('apps/cli', '@plimsoll/cli', { devDependencies: ['@plimsoll/bench'] }),
    workspace('bench', '@plimsoll/bench')
  ]
  const benchFaults = (path: string) => directionFaults([{ path, imports: ['@plimsoll/bench'] }], withBench)
  assert.deepEqual(benchFaults('apps/cli/src/import.test.ts'), [])
  assert.deepEqual(benchFaults('apps/cli/src/end-to-end/home.ts'), [])
  assert.match(benchFaults('apps/cli/src/main.ts')[0]!, /wrong way/)
  assert.match(benchFaults('packages/http/src/a.test.ts')[0]!, /wrong way/)
})

test('a bench may use what its workspace declares for development', () => {
  const withBench = [...house, workspace('bench', '@plimsoll/bench', { devDependencies: ['cockatiel'] })]
  const imports = ['cockatiel']
  assert.deepEqual(directionFaults([{ path: 'bench/resilience/stacks.ts', imports }], withBench), [])
  assert.equal(directionFaults([{ path: 'packages/clock/src/bench.ts', imports }], withBench).length, 1)
})

test('an example never imports a service', () => {
  assert.match(faults('examples/shop/src/a.ts', '@plimsoll/service-ingest')[0]!, /wrong way/)
})

test('another workspace is imported by its name, never by a path', () => {
  assert.match(
    faults('services/ingest/src/a.ts', '../../reads/src/b.ts')[0]!,
    /leaves its workspace; import @plimsoll\/service-reads/
  )
  assert.match(faults('drills/slow.ts', '../packages/http/src/index.ts')[0]!, /leaves its workspace/)
  assert.match(faults('packages/http/src/a.ts', '../../../scripts/b.ts')[0]!, /leaves its workspace; import plimsoll/)
  assert.match(faults('packages/http/src/a.ts', '../../../../outside.ts')[0]!, /leaves the repository/)
  assert.match(faults('packages/http/src/a.ts', '/etc/x.ts')[0]!, /absolute path/)
})

test('a path inside the workspace is fine, and the root folders are one workspace', () => {
  assert.deepEqual(faults('packages/http/src/deep/a.ts', '../b.ts', './c.ts', '../../test/d.ts'), [])
  assert.deepEqual(faults('bench/main.ts', '../drills/form.ts', '@plimsoll/http', '@plimsoll/cli', 'fast-check'), [])
})

test('a workspace folder is matched whole, not by its first letters', () => {
  const twins = [workspace('', 'plimsoll'), workspace('packages/log', 'log'), workspace('packages/log-store', 'store')]
  const path = 'packages/log-store/src/a.ts'
  assert.deepEqual(directionFaults([{ path, imports: ['./b.ts', '../src/c.ts'] }], twins), [])
})

test('only what is exported can be imported', () => {
  assert.match(
    faults('packages/http/src/a.ts', '@plimsoll/clock/src/clock.ts')[0]!,
    /is not a door of @plimsoll\/clock/
  )
  assert.deepEqual(faults('packages/http/src/a.ts', '@plimsoll/clock/adapters/fake'), [])
  assert.deepEqual(faults('packages/http/src/a.test.ts', '@plimsoll/http'), [])
})

test('every package is declared where it is used', () => {
  assert.match(faults('packages/clock/src/a.ts', 'fastify')[0]!, /is not declared in packages\/clock\/package.json/)
  assert.match(faults('packages/clock/src/a.ts', '@plimsoll/http')[0]!, /is not declared/)
  assert.match(faults('scripts/a.ts', 'left-pad')[0]!, /is not declared in package.json/)
  assert.deepEqual(faults('services/ingest/src/a.ts', 'fastify/types/route.js'), [])
})

test('tests and benches may use development dependencies, shipped code may not', () => {
  assert.deepEqual(faults('services/ingest/src/a.test.ts', 'fast-check', 'autocannon'), [])
  assert.deepEqual(faults('services/ingest/bench/a.ts', 'autocannon'), [])
  assert.match(faults('services/ingest/src/a.ts', 'autocannon')[0]!, /is not declared/)
  assert.match(faults('services/ingest/src/a.ts', 'fast-check')[0]!, /is not declared/)
})
