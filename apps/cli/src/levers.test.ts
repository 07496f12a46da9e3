import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { drillNames } from '@plimsoll/drills'
import { environmentName, settingNames } from '@plimsoll/platform/local'

const read = (path: string) => readFileSync(new URL(`../../../${path}`, import.meta.url), 'utf8')
const page = read('docs/levers.md')

test('the page of levers names only commands, drills and settings that there are', () => {
  const commands = new Set(read('apps/cli/src/main.ts').match(/(?<=command\(')\w[\w-]*/g))
  const named = [...page.matchAll(/npx plimsoll ([a-z][\w-]*)(?: ([a-z][\w-]*))?/g)]
  assert.ok(named.length > 20)
  for (const [whole, command, next] of named) {
    assert.ok(commands.has(command!), whole)
    if (command === 'drill') assert.ok(new Set<string>(drillNames).has(next!), whole)
    if (command === 'serve') assert.match(next!, /^(telemetry|analytics|metadata|users|billing|feed)$/)
  }
  const variables = new Set<string>(settingNames.map(environmentName))
  for (const [variable] of page.matchAll(/PLIMSOLL_[A-Z_]+/g)) assert.ok(variables.has(variable), variable)
})

test('each of the eleven problems has its symptom, lever, price and command', () => {
  const problems = page.split(/^## /m).slice(1)
  assert.equal(problems.length, 11)
  for (const problem of problems) {
    for (const part of ['How it looks.', 'The lever.', 'Its price.', 'Pull it.'])
      assert.ok(problem.includes(`**${part}**`), `${problem.split('\n')[0]}: ${part}`)
  }
  const table = page.slice(0, page.indexOf('\n## '))
  const rows = table.split('\n').filter(line => line.startsWith('| ['))
  assert.deepEqual(
    rows.map(row => /\(#([^)]+)\)/.exec(row)?.[1]),
    problems.map(problem =>
      problem
        .split('\n')[0]!
        .toLowerCase()
        .replace(/[^\w -]/g, '')
        .replaceAll(' ', '-')
    )
  )
})

test('the series that it names are ones that are recorded', () => {
  const vocabulary = read('packages/recorder/docs/vocabulary.md')
  const named = new Set(
    page.match(/(?<=`)(?:dependency|store|http|ingest|spool|subscriber|cpu|pressure)\.[\w.-]+(?=`)/g)
  )
  assert.ok(named.size > 10)
  for (const series of named) {
    const general = series.replace(/\.(metadata|primary|NAME)\./, '.NAME.')
    const [family, ...rest] = general.split('.')
    const last = rest.at(-1)!
    const known = vocabulary.split('\n').find(row => row.includes(`\`${family}.`) && row.includes(`.${last}\``))
    assert.ok(known, series)
  }
})
