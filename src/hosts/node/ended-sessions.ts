/** Which sessions were logged out, in a file of the data folder: a copied cookie must stay dead after a restart. */
import { readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import {
  createEndedSessions,
  EndedList,
  type EndedSessions,
  noneEnded,
} from '../../http/auth/ended-sessions.ts'
import type { Log } from '../../runtime.ts'

const PRIVATE_FILE = 0o600

export function openEndedSessions(dataDir: string, log: Log): EndedSessions {
  const file = join(dataDir, 'ended-sessions')
  return createEndedSessions(Date.now, read(file), list => {
    try {
      writeFileSync(`${file}.new`, JSON.stringify(list), { mode: PRIVATE_FILE })
      renameSync(`${file}.new`, file)
    } catch (error) {
      log.error(
        { err: error },
        'a logout could not be stored: after a restart a copy of its cookie works again',
      )
    }
  })
}

/** A file that cannot be read ends every session that began until now: nobody can say which ones had ended. */
function read(file: string): EndedList {
  try {
    return EndedList.parse(JSON.parse(readFileSync(file, 'utf8')))
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return noneEnded
    return { before: Math.floor(Date.now() / 1_000), ids: [] }
  }
}
