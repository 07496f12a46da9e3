import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { after, describe, it } from 'node:test'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { DirectoryLockedError } from '../../errors.ts'
import { open } from '../../open.ts'
import { scratchDirectory } from '../../testing.ts'

const here = import.meta.dirname

setFlagsFromString('--expose-gc')
const collectGarbage = runInNewContext('gc') as () => void

describe('the embedded engine', () => {
  const scratches: { remove(): Promise<void> }[] = []
  after(() => Promise.all(scratches.map(s => s.remove())))
  const scratch = async () => {
    const s = await scratchDirectory()
    scratches.push(s)
    return s
  }

  it('forces every commit to disk before it answers', async () => {
    const { url } = await scratch()
    const db = await open(url)
    await db.exec('create table t (n int)')
    const before = (await db.statistics()).syncs!
    for (let n = 0; n < 10; n++) await db.transaction(tx => tx.query('insert into t values ($1)', [n]))
    const after = (await db.statistics()).syncs!
    assert.ok(after - before >= 10, `10 commits, ${after - before} syncs`)
    for (let n = 0; n < 10; n++) await db.query('select n from t')
    assert.equal((await db.statistics()).syncs, after, 'reading forces nothing')
    await db.close()
  })

  it('lets others go first when it is in the background', { skip: process.platform !== 'linux' }, async () => {
    const { url } = await scratch()
    const niceness = async (background: boolean) => {
      const threads = new Set(readdirSync('/proc/self/task'))
      const db = await open(url, { background })
      const own = readdirSync('/proc/self/task').filter(id => !threads.has(id))
      const all = own.map(id => readFileSync(`/proc/self/task/${id}/stat`, 'utf8').split(') ')[1]!.split(' ')[16])
      await db.close()
      return all
    }
    assert.ok((await niceness(true)).includes('10'))
    assert.ok(!(await niceness(false)).includes('10'))
  })

  it('serves everybody in the order in which they came, a transaction whole', async () => {
    const { url } = await scratch()
    const db = await open(url)
    await db.exec('create table t (n int)')
    const count = async () => (await db.query<{ n: number }>('select count(*)::int as n from t')).rows[0]!.n
    const insert = () => db.exec('insert into t values (1)')
    const answers = [insert(), count(), insert(), count()]
    const both = db.transaction(async tx => {
      await tx.exec('insert into t values (1)')
      await new Promise(setImmediate)
      await tx.exec('insert into t values (1)')
    })
    answers.push(count())
    const failed = db.transaction(async tx => {
      await tx.exec('insert into t values (1)')
      throw new Error('no')
    })
    answers.push(count(), insert(), count())
    await both
    await assert.rejects(failed, /no/)
    const numbers = (await Promise.all(answers)).filter(answer => answer !== undefined)
    assert.deepEqual(numbers, [1, 2, 4, 4, 5])
    await db.close()
  })

  it('holds no answer that it has given', async () => {
    const { url } = await scratch()
    const db = await open(url)
    const answers = [
      new WeakRef(await db.query('select n from generate_series(1, 100) n')),
      new WeakRef(await db.transaction(tx => tx.query('select 1 as n'))),
      new WeakRef(await db.query('select 2 as n'))
    ]
    await db.query('select 3 as n')
    // What was just given out is held until the event loop turns, by the language itself.
    await new Promise(setImmediate)
    collectGarbage()
    assert.deepEqual(
      answers.map(answer => answer.deref()),
      [undefined, undefined, undefined]
    )
    await db.close()
  })

  it('refuses a directory that is open, and names the process', async () => {
    const { url, directory } = await scratch()
    const db = await open(url)
    await assert.rejects(open(url), (error: unknown) => {
      assert.ok(error instanceof DirectoryLockedError)
      assert.equal(error.pid, process.pid)
      assert.match(error.message, new RegExp(`process ${process.pid}`))
      return true
    })
    await db.close()
    assert.ok(!existsSync(`${directory}.lock`), 'the lock goes with the close')
    await (await open(url)).close()
  })

  it('keeps what was committed when its process is killed, and takes over its lock', async () => {
    const { url, directory } = await scratch()
    const script = `
      import { open } from ${JSON.stringify(join(here, '../../open.ts'))}
      const db = await open(process.argv[1])
      await db.exec('create table kept (n int)')
      for (let n = 1; ; n++) { await db.query('insert into kept values ($1)', [n]); console.log(n) }`
    const child = spawn(process.execPath, ['--input-type=module', '-e', script, url], {
      stdio: ['ignore', 'pipe', 'inherit']
    })
    let acknowledged = 0
    for await (const chunk of child.stdout.setEncoding('utf8')) {
      for (const line of String(chunk).split('\n')) if (line) acknowledged = Number(line)
      if (acknowledged >= 50) break
    }
    child.kill('SIGKILL')
    if (child.exitCode === null && child.signalCode === null) await once(child, 'exit')
    assert.ok(existsSync(`${directory}.lock`), 'a killed process leaves its lock')
    const db = await open(url)
    const { rows } = await db.query<{ n: number; top: number }>('select count(*) as n, max(n) as top from kept')
    assert.ok(rows[0]!.n >= acknowledged, `${acknowledged} acknowledged, ${rows[0]!.n} kept`)
    assert.equal(rows[0]!.n, rows[0]!.top)
    await db.close()
  })

  it('does not take a reused process number for the holder', async () => {
    const { url, directory } = await scratch()
    await writeFile(`${directory}.lock`, JSON.stringify({ pid: process.pid, born: '1' }))
    await (await open(url)).close()
  })

  it('leaves nothing behind when a directory cannot be made', async () => {
    const { directory } = await scratch()
    await rm(directory, { recursive: true })
    await writeFile(directory, 'a file is in the way')
    await assert.rejects(open(`pglite://${directory}/below`))
    assert.ok(existsSync(dirname(directory)))
  })
})
