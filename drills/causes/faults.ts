import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { rm, statfs } from 'node:fs/promises'
import { connect } from 'node:net'
import { cpus } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { freePort, type LoadOrder, startLoad } from '@plimsoll/bench'
import { nothingMissing } from './broker.ts'
import { type Fault, nothing, type Scene } from './fault.ts'
import { otherVersion } from './other-version.ts'
import { storeFaults } from './store-faults.ts'

const run = promisify(execFile)

const metadataFault =
  (faults: Parameters<Scene['metadata']['fault']>[0]) =>
  async ({ metadata }: Scene) => {
    await metadata.fault(faults)
    return () => metadata.fault({ latencyMs: 5 })
  }

const knob =
  (broken: Record<string, number | string>, mended: Record<string, number | string>) => async (scene: Scene) => {
    await scene.knob(broken)
    return () => scene.knob(mended)
  }

/** More load, of one project, beside the usual one. */
async function moreLoad({ platform, keys }: Scene, over: Partial<LoadOrder>): Promise<() => Promise<void>> {
  const load = startLoad({
    kind: 'batch',
    batchSize: 20,
    host: platform.host,
    port: platform.port,
    path: '/v1/events',
    users: 50_000,
    worker: 40,
    connections: 64,
    durationMs: 120_000,
    headers: { authorization: `Bearer ${keys.shop}` },
    ...over
  })
  load.done.catch(() => undefined)
  return async () => load.stop()
}

/** Faults whose cause `why` must name first, by the name of the drill. */
export const faults = {
  'machine-busy': {
    about: 'other programs take the processors: four for each core',
    stage: 'embedded',
    cause: { rule: 'cpu-starved', subject: 'processors' },
    async begin() {
      const others = Array.from({ length: 4 * cpus().length }, () =>
        spawn(process.execPath, ['-e', 'for (;;);'], { stdio: 'ignore' })
      )
      return async () => {
        for (const other of others) other.kill('SIGKILL')
        await Promise.all(
          others.map(other => other.exitCode === null && other.signalCode === null && once(other, 'exit'))
        )
      }
    }
  },
  'process-stopped': {
    about: 'the platform’s process is stopped by SIGSTOP',
    stage: 'embedded',
    cause: { rule: 'platform-stopped' },
    async begin({ platform }) {
      const pid = await platform.platformPid()
      process.kill(pid, 'SIGSTOP')
      return async () => void process.kill(pid, 'SIGCONT')
    }
  },
  'slow-answers': {
    about: 'the metadata API answers after 800 ms',
    stage: 'embedded',
    cause: { rule: 'slow-dependency', subject: 'metadata' },
    begin: metadataFault({ latencyMs: 800 })
  },
  'clock-jump': {
    about: 'the platform’s clock jumps ahead by an hour',
    stage: 'embedded',
    cause: { rule: 'clock-jump', subject: 'clock' },
    begin: knob({ clockAheadMs: 3_600_000 }, { clockAheadMs: 0 })
  },
  'files-out': {
    about: 'connections are opened until the platform has no file descriptor left',
    stage: 'embedded',
    cause: { rule: 'files-out', subject: 'platform' },
    async begin({ platform }) {
      const pid = await platform.platformPid()
      const limit = async (n: string) => void (await run('prlimit', ['--pid', String(pid), `--nofile=${n}`]))
      const { stdout } = await run('prlimit', [
        '--pid',
        String(pid),
        '--nofile',
        '--noheadings',
        '--output',
        'SOFT,HARD'
      ])
      const [soft, hard] = stdout.trim().split(/\s+/)
      await limit(`200:${hard}`)
      const sockets = Array.from({ length: 250 }, () =>
        connect(platform.port, platform.host).on('error', () => undefined)
      )
      return async () => {
        await limit(`${soft}:${hard}`)
        for (const socket of sockets) socket.destroy()
      }
    }
  },
  'slow-subscriber': {
    about: 'the subscriber analytics takes five seconds more for each step',
    stage: 'embedded',
    cause: { rule: 'subscriber-slow', subject: 'analytics' },
    withinSeconds: 40,
    async begin(scene) {
      await scene.knob({ subscriber: 'slow' })
      const less = await moreLoad(scene, { rate: 15, batchSize: 200, connections: 16, worker: 41 })
      return async () => {
        await less()
        await scene.knob({ subscriber: 'none' })
      }
    }
  },
  'dead-subscriber': {
    about: 'the subscriber analytics hangs in its work for ever',
    stage: 'embedded',
    cause: { rule: 'subscriber-dead', subject: 'analytics' },
    begin: knob({ subscriber: 'stuck' }, { subscriber: 'none' })
  },
  'poisoned-subscriber': {
    about: 'the subscriber analytics fails at a message, again and again',
    stage: 'embedded',
    cause: { rule: 'subscriber-poisoned', subject: 'analytics' },
    begin: knob({ subscriber: 'poisoned' }, { subscriber: 'none' })
  },
  flood: {
    about: 'one of two projects sends all that 256 connections can carry',
    stage: 'embedded',
    cause: { rule: 'flood', subject: 'shop' },
    begin: scene => moreLoad(scene, { connections: 256, batchSize: 100, timeoutMs: 20_000 })
  },
  'client-storm': {
    about: 'clients hang up after a few milliseconds and send the same again at once',
    stage: 'embedded',
    cause: { rule: 'retry-storm', subject: 'clients' },
    begin: scene => moreLoad(scene, { connections: 400, batchSize: 20, timeoutMs: 40, retries: 20, worker: 42 })
  },
  'killed-platform': {
    about: 'the platform’s process is ended by SIGKILL',
    stage: 'embedded',
    cause: { rule: 'platform-killed', subject: 'platform' },
    async begin({ platform }) {
      process.kill(await platform.platformPid(), 'SIGKILL')
      return async () => void (await platform.nextReady())
    }
  },
  ...storeFaults,
  'full-disk': {
    about: 'the disk under the data folder is filled to the last byte',
    stage: 'small-disk',
    cause: { rule: 'disk-full', subject: 'disk' },
    async begin({ data }) {
      const ballast = join(data, 'ballast')
      const { bavail, bsize } = await statfs(data)
      // The platform writes meanwhile: what it took is missing there. Then all is left to what comes behind.
      await run('fallocate', ['-l', String(bavail * bsize - 100_000_000), ballast]).catch(() => undefined)
      await run('dd', ['if=/dev/zero', `of=${ballast}.rest`, 'bs=64k']).catch(() => undefined)
      return async () => {
        await rm(ballast, { force: true })
        await rm(`${ballast}.rest`, { force: true })
      }
    }
  },
  leak: {
    about: 'the platform keeps 3 MB more each second, of the 180 MB it may have',
    stage: 'small-memory',
    cause: { rule: 'memory-leak', subject: 'platform' },
    withinSeconds: 60,
    begin: async scene => {
      await scene.knob({ leakBytes: 3_000_000 })
      return () => scene.knob({ leakBytes: 0 })
    }
  },
  'out-of-memory': {
    about: 'the platform keeps 25 MB more each second until it is ended',
    stage: 'small-memory',
    cause: { rule: 'out-of-memory', subject: 'platform' },
    withinSeconds: 60,
    begin: async scene => {
      await scene.knob({ leakBytes: 25_000_000 })
      return nothing
    },
    isLast: true
  },
  'expired-certificate': {
    about: 'the certificate of the metadata API ends',
    stage: 'certificate',
    cause: { rule: 'expired', subject: 'metadata' },
    async begin({ door }) {
      await door!.expire()
      return door!.renew
    }
  },
  'broker-gone': {
    about: 'the broker that the platform publishes to (Redis) is ended by SIGKILL',
    stage: 'broker',
    cause: { rule: 'broker-gone', subject: 'redis' },
    async begin({ broker }) {
      await broker!.kill()
      return () => broker!.startAgain()
    },
    afterwards: nothingMissing,
    isLast: true
  },
  'bad-configuration': {
    about: 'the platform is started again with the address of a metadata API that does not exist',
    stage: 'deployment',
    cause: { rule: 'bad-configuration', subject: 'metadataUrl' },
    // A restart is part of it.
    withinSeconds: 40,
    async begin(scene) {
      await scene.restart({ flags: ['--metadata-url', `http://127.0.0.1:${await freePort()}`] })
      return () => scene.restart({})
    }
  },
  'bad-version': {
    about: 'another version is started, in which every third request fails',
    stage: 'deployment',
    cause: { rule: 'bad-version' },
    withinSeconds: 40,
    async begin(scene) {
      const folder = join(scene.data, '../other-version')
      await scene.restart({ program: await otherVersion(folder, '0.2.0') })
      return nothing
    },
    isLast: true
  }
} satisfies Record<string, Fault>

/** Faults that are drills of their own elsewhere, for pairs. */
export const halves = {
  'hanging-answers': {
    about: 'the metadata API takes every call and answers none',
    stage: 'embedded',
    cause: { rule: 'hanging-dependency', subject: 'metadata' },
    begin: metadataFault({ hang: true })
  },
  'failing-answers': {
    about: 'the metadata API fails a third of its calls',
    stage: 'embedded',
    cause: { rule: 'erring-dependency', subject: 'metadata' },
    begin: metadataFault({ latencyMs: 5, errorRate: 0.33 })
  },
  'held-pool': {
    about: 'every connection to the primary store is taken and kept',
    stage: 'embedded',
    cause: { rule: 'pool-exhausted', subject: 'primary' },
    async begin(scene) {
      await scene.knob({ holdStoreMs: 8_000 })
      return nothing
    }
  },
  'blocked-loop': {
    about: 'a request keeps the event loop busy for six seconds',
    stage: 'embedded',
    cause: { rule: 'event-loop-blocked', subject: 'main loop' },
    async begin(scene) {
      // It is answered when it is over.
      void scene.knob({ blockLoopMs: 6_000 }).catch(() => undefined)
      return nothing
    }
  }
} satisfies Record<string, Fault>

export type FaultName = keyof typeof faults
