import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { quantity } from './quantity.ts'
import { seriesWords } from './series-words.ts'

/** Every series of the vocabulary: the first name of a row in full, the others of it as what differs. */
function vocabulary(): string[] {
  const page = readFileSync(new URL('../../docs/vocabulary.md', import.meta.url), 'utf8')
  const [samples] = page.split('## Occurrences')
  return samples!.split('\n').flatMap(row => {
    if (!row.startsWith('| `')) return []
    let general = ''
    return [...row.split(' | ')[0]!.matchAll(/`([^`]+)`/g)].map(([, name]) => {
      if (name!.startsWith('.')) return general + name
      general = name!.slice(0, name!.lastIndexOf('.'))
      return name!
    })
  })
}

test('every series that is recorded has words for people', () => {
  const all = vocabulary()
  assert.ok(all.length > 60)
  const without = all.filter(name => seriesWords(name.replace('NAME', 'x')).label === name.replace('NAME', 'x'))
  assert.deepEqual(without, [])
})

test('a subject may have any name, and a series that nobody knows keeps its own', () => {
  assert.equal(seriesWords('store.eu.west-1.commit').label, 'store eu.west-1: time of a commit')
  assert.equal(seriesWords('subscriber.$&.lag').label, 'subscriber $&: messages behind')
  assert.deepEqual(seriesWords('no.such'), { label: 'no.such', unit: 'count' })
})

test('quantities read as a person says them', () => {
  const said = [
    quantity(812.4, 'ms'),
    quantity(4_200, 'ms'),
    quantity(7_200_000, 'ms'),
    quantity(312e6, 'bytes'),
    quantity(0.934, 'share'),
    quantity(1_204, 'count'),
    quantity(Number.NaN, 'ms'),
    quantity(12, 'connections')
  ]
  assert.deepEqual(said, ['812 ms', '4.2 s', '2 h', '312 MB', '93.4 %', '1,204', '–', '12 connections'])
})
