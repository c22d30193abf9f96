/** A small disk with a copy of a folder on it, full to the last byte or read-only. Needs root. */
import { execFileSync } from 'node:child_process'
import { closeSync, cpSync, mkdirSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

export { cannotMount } from '../torture/mount.ts'

type Disk = { readonly path: string } & Disposable

const run = (command: string, ...args: string[]) => execFileSync(command, args, { stdio: 'pipe' })

function mount(folder: string): Disk {
  const point = mkdtempSync(join(tmpdir(), 'small-disk-'))
  run('mount', '-t', 'tmpfs', '-o', 'size=16m', 'tmpfs', point)
  const path = join(point, 'data')
  mkdirSync(path)
  cpSync(folder, path, { recursive: true })
  return {
    path,
    [Symbol.dispose]() {
      run('umount', '-l', point)
      rmSync(point, { recursive: true, force: true })
    },
  }
}

export function mountReadOnly(folder: string): Disk {
  const disk = mount(folder)
  run('mount', '-o', 'remount,ro', join(disk.path, '..'))
  return disk
}

export function mountFull(folder: string): Disk {
  const disk = mount(folder)
  const ballast = openSync(join(disk.path, '..', 'ballast'), 'w')
  try {
    for (;;) writeSync(ballast, Buffer.alloc(4_096))
  } catch {
    closeSync(ballast)
  }
  return disk
}
