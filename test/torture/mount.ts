/** Small disks of their own, where the data folder can run out of room or be turned read-only. Needs root; never pretends. */
import { execFileSync } from 'node:child_process'
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Context } from './scenario.ts'

export type Disk = {
  /** For the bridge's data. */
  readonly dataDir: string
  /** To the last byte. */
  fill(): void
  free(): void
  /** Whole disk; only while nobody writes to it. */
  mount(as: 'ro' | 'rw'): void
  /** Takes the right to write from files that are open (ext4: `chattr +i`), and gives it back. */
  freeze(files: readonly string[]): void
  thaw(files: readonly string[]): void
}

const run = (command: string, ...args: readonly string[]) => execFileSync(command, args, { stdio: 'pipe' })
let unfit: string | undefined | null = null

/** Why no disk can be mounted here; `undefined`: one can. Found out once, by mounting one. */
export function cannotMount(): string | undefined {
  if (unfit === null) {
    const folder = mkdtempSync(join(tmpdir(), 'torture-mount-'))
    try {
      run('mount', '-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', folder)
      run('umount', folder)
      unfit = undefined
    } catch {
      unfit = 'nothing can be mounted here: that takes root'
    }
    rmSync(folder, { recursive: true, force: true })
  }
  return unfit
}

/** The same for a disk in a file, which takes a loop device too. */
export function cannotLoop(): string | undefined {
  if (cannotMount()) return cannotMount()
  try {
    run('losetup', '--find')
    run('mkfs.ext4', '-V')
    return undefined
  } catch {
    return 'no loop device, or no mkfs.ext4, here'
  }
}

export function mountDisk(context: Context, kind: 'tmpfs' | 'ext4', mebibytes: number): Disk {
  const folder = mkdtempSync(join(tmpdir(), 'torture-disk-'))
  context.onEnd(() => rmSync(folder, { recursive: true, force: true }))
  const disk = join(folder, 'disk')
  const image = join(folder, 'image')
  mkdirSync(disk)
  if (kind === 'tmpfs') run('mount', '-t', 'tmpfs', '-o', `size=${mebibytes}m`, 'tmpfs', disk)
  else {
    writeFileSync(image, '')
    truncateSync(image, mebibytes * 2 ** 20)
    run('mkfs.ext4', '-q', '-m', '0', image)
    run('mount', '-o', 'loop', image, disk)
  }
  context.onEnd(() => run('umount', disk))
  const dataDir = join(disk, 'data')
  mkdirSync(dataDir)
  const ballast = join(disk, 'ballast')

  return {
    dataDir,
    fill() {
      for (let bytes = mebibytes * 2 ** 20, n = 0; bytes >= 4_096; n++) {
        try {
          run('fallocate', '-l', String(bytes), `${ballast}-${n}`)
        } catch {
          bytes = Math.floor(bytes / 2)
        }
      }
      try {
        for (;;) appendFileSync(`${ballast}-last`, 'x'.repeat(512))
      } catch {
        // Full: that is the aim.
      }
    },
    free() {
      for (let n = 0; n < 100; n++) rmSync(`${ballast}-${n}`, { force: true })
      rmSync(`${ballast}-last`, { force: true })
    },
    mount: as => void run('mount', '-o', `remount,${as}`, disk),
    freeze: files => void run('chattr', '+i', ...there(dataDir, files)),
    thaw: files => void run('chattr', '-i', ...there(dataDir, files)),
  }
}

function there(dataDir: string, files: readonly string[]): string[] {
  return files.map(file => join(dataDir, file)).filter(existsSync)
}
