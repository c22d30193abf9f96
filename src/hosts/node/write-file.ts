/**
 * Writes files that others read: into a temporary file, flushed, moved to its place, and the folder flushed as well, so that a
 * power cut leaves the whole file or none of it.
 */
import { mkdir, open, readdir, rename, rm, stat } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import type { WriteFile } from '../../runtime.ts'

/** In the folder itself, for a file can only be moved within its disk. Readers skip names that begin with a dot. */
const DRAFTS = '.writing'
/** They hold phone numbers: for the user of the bridge, and to read for its group, such as what loads them. */
const FOLDER_MODE = 0o750
const FILE_MODE = 0o640
/** What a killed process has left there is removed when it is as old. */
const LEFTOVER_MS = 24 * 60 * 60_000

export function createWriteFile(now: () => number): WriteFile {
  /** Folders that have been looked through for leftovers. */
  const cleaned = new Set<string>()
  let written = 0
  return async (folder, path, bytes) => {
    const target = resolve(folder, path)
    const drafts = resolve(folder, DRAFTS)
    await makeFolder(drafts)
    await makeFolder(dirname(target))
    if (!cleaned.has(folder)) {
      cleaned.add(folder)
      await removeLeftovers(drafts, now()).catch(() => undefined)
    }
    written += 1
    const draft = join(drafts, `${process.pid}-${now()}-${written}`)
    try {
      await writeFlushed(draft, bytes)
      await rename(draft, target)
    } catch (error) {
      await rm(draft, { force: true }).catch(() => undefined)
      throw error
    }
    await flushFolder(dirname(target))
  }
}

/**
 * With those above it. A new folder is an entry in the one above, which is flushed too. One at a time: on a read-only disk
 * `recursive` fails with ENOENT.
 */
async function makeFolder(folder: string, isAboveThere = false): Promise<void> {
  const above = dirname(folder)
  try {
    await mkdir(folder, FOLDER_MODE)
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined
    if (code === 'EEXIST') return
    if (code !== 'ENOENT' || isAboveThere || above === folder) throw error
    await makeFolder(above)
    return makeFolder(folder, true)
  }
  await flushFolder(above)
}

async function writeFlushed(file: string, bytes: Uint8Array): Promise<void> {
  const handle = await open(file, 'w', FILE_MODE)
  try {
    await handle.writeFile(bytes)
    await handle.sync()
  } finally {
    await handle.close()
  }
}

/** Windows cannot open a folder, and keeps its entries without. */
async function flushFolder(folder: string): Promise<void> {
  if (process.platform === 'win32') return
  const handle = await open(folder, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}

async function removeLeftovers(drafts: string, now: number): Promise<void> {
  for (const name of await readdir(drafts)) {
    const file = join(drafts, name)
    // Another write may have moved it meanwhile.
    const { mtimeMs } = await stat(file).catch(() => ({ mtimeMs: now }))
    if (mtimeMs < now - LEFTOVER_MS) await rm(file, { force: true })
  }
}
