/** The data folder: made private, owned by one process at a time, home of the outbox, the admin token and the dry run. */
import { randomBytes } from 'node:crypto'
import {
  chmodSync,
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  statSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { components } from '../../alerts/component.ts'
import type { LastTold } from '../../alerts/notifier.ts'

const PRIVATE_FOLDER = 0o700
const PRIVATE_FILE = 0o600
/** Milliseconds since 1970, for the next 300,000 years. */
const TIME_CHARACTERS = 16
/** A process that was just killed may still hold its lock for a moment. */
const LOCK_PATIENCE_MS = 3_000

export type Folder = {
  readonly outboxFile: string
  readonly dryRunFile: string
  readonly adminTokenFile: string
  readonly noticeClockFile: string
  /** See side-files.ts. */
  readonly acknowledgedFile: string
  readonly cleanEndFile: string
  readonly missingFile: string
  /** Why it is not this process's any more, in a sentence; `undefined`: it is. To be asked about once a second. */
  lost(): string | undefined
  /** The same of the outbox's log alone: the outbox is still this one's, and takes what the log held when it is closed. */
  logLost(): string | undefined
  /** Tells commands on this machine where to find the one that owns the folder. */
  announce(url: string): void
  /** Lets the next process in. */
  release(): void
}

/** Who owns a folder, as it says itself. `url` when it is a bridge that listens. */
export type Owner = { readonly pid?: number; readonly url?: string }

/** Another process has the folder. */
export class FolderInUse extends Error {
  readonly owner: Owner

  constructor(owner: Owner) {
    const who = [owner.pid && `process ${owner.pid}`, owner.url].filter(Boolean).join(', ')
    super(
      `another bridge${who && ` (${who})`} is running on it: stop that one first, or give this one its own DATA_DIR`,
    )
    this.owner = owner
  }
}

/** Throws, with a sentence for a person, when the folder cannot be used. */
export function openFolder(path: string, patienceMs = LOCK_PATIENCE_MS): Folder {
  try {
    mkdirSync(path, { recursive: true, mode: PRIVATE_FOLDER })
    const outboxFile = join(path, 'outbox.db')
    // Another program's folder keeps its mode; one that is ours, or empty, becomes private.
    if (existsSync(outboxFile) || readdirSync(path).length === 0) chmodSync(path, PRIVATE_FOLDER)
    const release = lock(path, patienceMs)
    const held = createHeld(join(path, 'lock.db'))
    const noticeClockFile = join(path, 'notice-clock')
    for (const component of components) {
      const file = `${noticeClockFile}.${component}`
      if (existsSync(file)) continue
      writeFileSync(file, toTime(0), { mode: PRIVATE_FILE })
    }
    return {
      outboxFile,
      dryRunFile: join(path, 'dry-run.ndjson'),
      adminTokenFile: join(path, 'admin-token'),
      noticeClockFile,
      acknowledgedFile: join(path, 'acknowledged'),
      cleanEndFile: join(path, 'clean-end'),
      missingFile: join(path, 'events-missing'),
      lost: () => held.lost(outboxFile),
      logLost: () => held.logLost(`${outboxFile}-wal`),
      announce: url => writeOwner(path, { pid: process.pid, url }),
      release,
    }
  } catch (error) {
    const cause = error instanceof Error ? error.message : String(error)
    throw new Error(`The data folder ${path} (DATA_DIR) cannot be used: ${cause}`, { cause: error })
  }
}

/**
 * The kernel drops a SQLite lock with the process that holds it, however that ends: no stale lock file after a crash.
 * Held on a file of its own, so that people may look into the outbox with `sqlite3` meanwhile.
 */
function lock(folder: string, patienceMs: number): () => void {
  const database = new DatabaseSync(join(folder, 'lock.db'), { timeout: patienceMs })
  try {
    database.exec('PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE')
  } catch (error) {
    database.close()
    if (!String(error).includes('locked')) throw error
    throw new FolderInUse(readOwner(folder))
  }
  writeOwner(folder, { pid: process.pid })
  return () => database.close()
}

/**
 * A lock holds a file, not its name: whoever deletes lock.db lets a second bridge in, and whoever replaces outbox.db leaves this
 * one writing into a file that nobody will find again.
 */
function createHeld(lockFile: string) {
  const held = new Map([[lockFile, idOf(lockFile)]])

  function change(file: string): string | undefined {
    const id = held.get(file) ?? idOf(file)
    // Made by the thread that opens it, the log with the first write.
    if (id !== 'none') held.set(file, id)
    const now = idOf(file)
    if (now === id || now === UNKNOWN || id === UNKNOWN) return undefined
    return `${file} ${now === 'none' ? 'was deleted' : 'is another file now'} while this bridge was running`
  }

  return {
    lost(outboxFile: string): string | undefined {
      const what = change(lockFile) ?? change(outboxFile)
      return what && `${what}: it stops, for another bridge may have the data folder (DATA_DIR)`
    },
    logLost(logFile: string): string | undefined {
      const what = change(logFile)
      return (
        what &&
        `${what}: it copies the log into the outbox and stops, for a crash would lose what only the log holds`
      )
    },
  }
}

const UNKNOWN = 'unknown'

function idOf(file: string): string {
  try {
    const found = statSync(file, { bigint: true, throwIfNoEntry: false })
    return found ? `${found.dev} ${found.ino}` : 'none'
  } catch {
    // The disk does not answer: that says nothing about the file.
    return UNKNOWN
  }
}

function writeOwner(folder: string, owner: Owner): void {
  try {
    writeFileSync(join(folder, 'owner'), `${JSON.stringify(owner)}\n`, { mode: PRIVATE_FILE })
  } catch {
    // A full disk: the name of the owner is a courtesy, the lock is held.
  }
}

export function readOwner(folder: string): Owner {
  try {
    const owner: unknown = JSON.parse(readFileSync(join(folder, 'owner'), 'utf8'))
    if (typeof owner !== 'object' || owner === null) return {}
    const { pid, url } = { pid: undefined, url: undefined, ...owner }
    return { ...(typeof pid === 'number' && { pid }), ...(typeof url === 'string' && { url }) }
  } catch {
    return {}
  }
}

/** The setting, or the token made at the first start. Throws, with a sentence for a person, when it cannot be kept. */
export function readAdminToken({ adminTokenFile }: Folder, setting: string | undefined): string {
  if (setting !== undefined) return setting
  try {
    const kept = existsSync(adminTokenFile) ? readFileSync(adminTokenFile, 'utf8').trim() : ''
    if (kept !== '') return kept
    const token = randomBytes(24).toString('base64url')
    // In one step: half a token, after a crash or on a full disk, would open nothing for ever.
    const draft = `${adminTokenFile}.new`
    writeFileSync(draft, `${token}\n`, { mode: PRIVATE_FILE })
    renameSync(draft, adminTokenFile)
    return token
  } catch (error) {
    const cause = error instanceof Error ? error.message : String(error)
    throw new Error(`The admin token cannot be kept in the data folder (DATA_DIR): ${cause}`, {
      cause: error,
    })
  }
}

/**
 * When the last notice of each component went out. Each time overwrites the one before in place, which takes no space, so the
 * clocks hold on a full disk as well, where the outbox cannot be written. An older version's one file, which is empty, counts
 * for all by its mtime. (Not these: a copied folder would have been told just now.)
 */
export function noticeClock(file: string): LastTold {
  return {
    read: component => Math.max(readTime(`${file}.${component}`), readOldTime(file)) || undefined,
    write(component, at) {
      try {
        const handle = openSync(`${file}.${component}`, 'r+')
        try {
          writeSync(handle, toTime(at), 0)
        } finally {
          closeSync(handle)
        }
      } catch {
        // The outbox keeps the time too; this is the second memory.
      }
    },
  }
}

const toTime = (at: number): string => String(Math.round(at)).padStart(TIME_CHARACTERS, '0')

function readTime(file: string): number {
  const text = existsSync(file) ? readFileSync(file, 'utf8') : ''
  return /^\d+$/.test(text) ? Number(text) : 0
}

function readOldTime(file: string): number {
  return existsSync(file) ? statSync(file).mtimeMs : 0
}
