import assert from 'node:assert/strict'
import { test } from 'node:test'
import { watcherLink } from './watcher-link.ts'

test('the watcher is where it says, or where this page came from when it listens everywhere', () => {
  assert.equal(watcherLink('http://127.0.0.1:7071', 'ship.example'), 'http://127.0.0.1:7071/')
  assert.equal(watcherLink('http://0.0.0.0:7071', 'ship.example'), 'http://ship.example:7071/')
  assert.equal(watcherLink('http://[::]:7071', '[::1]'), 'http://[::1]:7071/')
  assert.equal(watcherLink('https://why.ship.example/p', 'x'), 'https://why.ship.example/p')
})

test('what is no address of a page is no link', () => {
  for (const none of [undefined, '', 'why', 'javascript:alert(1)'])
    assert.equal(watcherLink(none, 'ship.example'), undefined)
})
