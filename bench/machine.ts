/** Where this runs: cores, disk, versions. Figures without it mean nothing. */
import { spawnSync } from 'node:child_process'
import { closeSync, fdatasyncSync, mkdirSync, openSync, readFileSync, rmSync, writeSync } from 'node:fs'
import { cpus, totalmem } from 'node:os'
import { join, resolve } from 'node:path'
import type { Core } from './children.ts'

export type Machine = {
  readonly cores: number
  readonly cpu: string
  readonly memoryGigabytes: number
  readonly node: string
  readonly disk: { readonly type: string; readonly device: string; readonly syncMs: number }
  /** Processes are pinned: the server to one core, everything else to another. */
  readonly isPinned: boolean
  /** What to put in front of a command. */
  readonly pin: Readonly<Record<Core, readonly string[]>>
  /** Where redis-server is, if it is. */
  readonly redis: string | undefined
}

export const serverCore = '0'
export const loadCore = '1'
const SYNCS = 60
const PAGE_BYTES = 4_096

export function lookAround(dataFolder: string): Machine {
  const [first] = cpus()
  const isPinned = cpus().length > 1 && find('taskset') !== undefined
  return {
    cores: cpus().length,
    cpu: first?.model.trim() ?? 'unknown',
    memoryGigabytes: Math.round(totalmem() / 2 ** 30),
    node: process.versions.node,
    disk: { ...toMount(dataFolder), syncMs: measureSync(dataFolder) },
    isPinned,
    pin: {
      server: isPinned ? ['taskset', '-c', serverCore] : [],
      load: isPinned ? ['taskset', '-c', loadCore] : [],
    },
    redis: find('redis-server'),
  }
}

export function describeMachine({ cores, cpu, memoryGigabytes, node, disk, isPinned }: Machine): string {
  const pinning = isPinned
    ? `server on core ${serverCore}, load and Segment on core ${loadCore}`
    : 'not pinned'
  return [
    `${cores} cores (${cpu}), ${memoryGigabytes} GB, Node ${node}; ${pinning}`,
    `data on ${disk.type} (${disk.device}), one sync of a page ${disk.syncMs.toFixed(2)} ms in the median`,
  ].join('; ')
}

function find(program: string): string | undefined {
  const found = spawnSync('sh', ['-c', `command -v ${program}`], { encoding: 'utf8' })
  return found.status === 0 ? found.stdout.trim() : undefined
}

/** The mount that holds the folder: the one with the longest path that is a part of its own. */
function toMount(folder: string): { type: string; device: string } {
  const path = `${resolve(folder)}/`
  let best = { at: '', type: 'unknown', device: 'unknown' }
  for (const line of readFileSync('/proc/self/mountinfo', 'utf8').split('\n')) {
    const [before = '', after = ''] = line.split(' - ')
    const at = before.split(' ')[4] ?? ''
    const [type = '', device = ''] = after.split(' ')
    if (path.startsWith(at.endsWith('/') ? at : `${at}/`) && at.length >= best.at.length)
      best = { at, type, device }
  }
  return best
}

function measureSync(folder: string): number {
  mkdirSync(folder, { recursive: true })
  const file = join(folder, `sync-${process.pid}`)
  const handle = openSync(file, 'w')
  const page = Buffer.alloc(PAGE_BYTES, 1)
  const times: number[] = []
  for (let at = 0; at < SYNCS; at++) {
    const start = performance.now()
    writeSync(handle, page, 0, PAGE_BYTES, at * PAGE_BYTES)
    fdatasyncSync(handle)
    times.push(performance.now() - start)
  }
  closeSync(handle)
  rmSync(file)
  return times.sort((a, b) => a - b)[SYNCS / 2] ?? 0
}
