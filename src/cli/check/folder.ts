/** The data folder: there, private, writable, with room; and who owns it now. Looks, and leaves everything as it was. */
import { existsSync, rmSync, statfsSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { type Finding, note, ok, wrong } from './result.ts'

const MIB = 1_048_576
const ROOM_NEEDED_BYTES = 64 * MIB
const ROOM_WISHED_BYTES = 1_024 * MIB
const OTHERS = 0o077

export function checkFolder(path: string): Finding[] {
  const name = 'data folder'
  if (!existsSync(path)) {
    const parent = toExisting(path)
    const fault = tryWrite(parent)
    if (fault)
      return [
        wrong(
          name,
          `${path} cannot be created (${fault})`,
          `Give ${parent} to the user the bridge runs as, or set DATA_DIR.`,
        ),
      ]
    return [note(name, `${path} does not exist yet: the first start creates it`), checkRoom(parent)]
  }
  const { mode, uid } = statSync(path)
  if (!statSync(path).isDirectory())
    return [wrong(name, `${path} is not a folder`, 'Set DATA_DIR to a folder.')]
  const fault = tryWrite(path)
  const findings = [
    fault
      ? wrong(
          name,
          `${path} cannot be written (${fault})`,
          `Give it to the user the bridge runs as${ownerOf(uid)}.`,
        )
      : ok(name, `${path} can be written`),
    checkRoom(path),
  ]
  if ((mode & OTHERS) === 0) return findings
  const shown = (mode & 0o777).toString(8).padStart(4, '0')
  return [
    ...findings,
    wrong(
      name,
      `${path} has the mode ${shown}: other users of this machine can read it`,
      `chmod 700 ${path}`,
    ),
  ]
}

function checkRoom(path: string): Finding {
  const { bavail, bsize } = statfsSync(path)
  const free = bavail * bsize
  const detail = `${Math.floor(free / MIB).toLocaleString('en-US')} MiB free`
  if (free < ROOM_NEEDED_BYTES)
    return wrong(
      'disk',
      detail,
      'Free space: without it the bridge answers 503, and Twilio retries for 4 hours.',
    )
  if (free < ROOM_WISHED_BYTES)
    return note('disk', detail, 'Little for a Segment outage: a million events are about 1 GiB.')
  return ok('disk', detail)
}

/** Does a process hold the folder's lock? It is asked for by a read that does not wait. */
export function isInUse(path: string): boolean {
  const file = join(path, 'lock.db')
  if (!existsSync(file)) return false
  const database = new DatabaseSync(file, { readOnly: true, timeout: 0 })
  try {
    database.prepare('SELECT count(*) FROM sqlite_master').all()
    return false
  } catch (error) {
    return String(error).includes('locked')
  } finally {
    database.close()
  }
}

function tryWrite(folder: string): string | undefined {
  const file = join(folder, `.check-${process.pid}`)
  try {
    writeFileSync(file, 'x', { mode: 0o600 })
    return undefined
  } catch (error) {
    return error instanceof Error && 'code' in error ? String(error.code) : String(error)
  } finally {
    rmSync(file, { force: true })
  }
}

function toExisting(path: string): string {
  let folder = resolve(path)
  while (!existsSync(folder)) folder = dirname(folder)
  return folder
}

function ownerOf(uid: number): string {
  const own = process.getuid?.()
  return own === undefined || own === uid ? '' : ` (it belongs to user ${uid}, this is user ${own})`
}
