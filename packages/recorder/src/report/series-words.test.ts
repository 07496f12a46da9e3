import assert from 'node:assert/strict'
import { test } from 'node:test'
import { vocabulary } from '../testing.ts'
import { quantity } from './quantity.ts'
import { seriesWords } from './series-words.ts'

test('every series that is recorded has words for people, and not those of another', () => {
  const { platform, watcher } = vocabulary()
  const all = [...platform, ...watcher].map(name => name.replace('NAME', 'x'))
  assert.ok(all.length > 60)
  assert.deepEqual(
    all.filter(name => seriesWords(name).label === name || seriesWords(name).label.includes('x.')),
    []
  )
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
