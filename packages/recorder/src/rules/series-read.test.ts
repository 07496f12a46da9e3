import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { test } from 'node:test'
import { vocabulary } from '../testing.ts'

/**
 * What is read is what somebody records, and the vocabulary is where both meet: here rules, limits and reports are held to it, and
 * in the end-to-end test of the commands (`apps/cli`) a running platform and its watcher are.
 */

const known = new Set(Object.values(vocabulary()).flatMap(names => names.map(name => name.replace('NAME', 'x'))))
const families = new Set([...known].map(name => name.split('.')[0]!))

const folders = ['../rules/', '../diagnosis/', '../report/'].map(folder => new URL(folder, import.meta.url))
const sources = folders.flatMap(folder =>
  readdirSync(folder)
    .filter(name => !/\.test\.ts$|^tape\.ts$|^series-words\.ts$/.test(name))
    .map(name => ({ name, text: readFileSync(new URL(name, folder), 'utf8') }))
)

interface Read {
  name: string
  isKnown: boolean
}

/** The series that a source names: in full, or by what comes behind a family that it names elsewhere. */
function readBy(text: string): Read[] {
  const all = (pattern: RegExp) => [...text.matchAll(pattern)].map(([, found]) => found!.replace(/\$\{\w+\}|\*/, 'x'))
  const quoted = all(/'([a-z]+(?:\.(?:[a-z0-9-]+|\*))+)'/g)
  const withSubject = all(/`([a-z]+\.\$\{(?:name|one)\}[a-z0-9.-]*)`/g)
  const whole = [...quoted, ...withSubject].filter(name => families.has(name.split('.')[0]!))
  // `store.${name}.${what}`, `http.${what}`
  const before = all(/`([a-z]+\.(?:\$\{name\}\.)?)\$\{(?:what|series)\}`/g)
  const behind = all(/\b(?:row|during|usually)\('([a-z0-9.-]+)'\)/g)
  const ofOne = (name: string) => name.replace(/^([a-z]+)\.[^.]+/, '$1.x')
  const isKnown = (name: string) =>
    known.has(name) || known.has(ofOne(name)) || before.some(family => known.has(family + name))
  return [...whole, ...behind].map(name => ({ name, isKnown: isKnown(name) }))
}

test('rules, limits and reports read no series that is not in the vocabulary', () => {
  const read = sources.flatMap(({ name: file, text }) => readBy(text).map(one => ({ file, ...one })))
  assert.ok(new Set(read.map(({ name }) => name)).size > 60, 'the sources are read as they are written')
  assert.deepEqual(
    read.filter(({ isKnown }) => !isKnown).map(({ file, name }) => `${file}: ${name}`),
    []
  )
})
