/** What the sync of Twilio Proxy has noted of each session: a file of its own beside the outbox, proxy-sync.db. */
import { DatabaseSync } from 'node:sqlite'
import { Noted, type SyncNotes } from '../../proxy/sync.ts'

const BUSY_MS = 10_000

export type ProxyNotes = SyncNotes & { close(): void }

export function openProxyNotes(file: string): ProxyNotes {
  const db = new DatabaseSync(file)
  db.exec(`
    PRAGMA busy_timeout = ${BUSY_MS};
    PRAGMA journal_mode = WAL;
    CREATE TABLE IF NOT EXISTS sessions (sid TEXT PRIMARY KEY, seen_at INTEGER NOT NULL, noted TEXT NOT NULL) STRICT;`)
  const read = db.prepare('SELECT noted FROM sessions WHERE sid = ?')
  const write = db.prepare(`
    INSERT INTO sessions (sid, seen_at, noted) VALUES (?, ?, ?)
    ON CONFLICT (sid) DO UPDATE SET seen_at = excluded.seen_at, noted = excluded.noted`)
  const touch = db.prepare('UPDATE sessions SET seen_at = ? WHERE sid = ?')
  const forget = db.prepare('DELETE FROM sessions WHERE seen_at < ?')
  return {
    read(sid) {
      const noted = read.get(sid)?.noted
      return typeof noted === 'string' ? Noted.safeParse(parse(noted)).data : undefined
    },
    note(sessions, now) {
      db.exec('BEGIN IMMEDIATE')
      try {
        for (const [sid, noted] of sessions) {
          if (noted === 'seen') touch.run(now, sid)
          else write.run(sid, now, JSON.stringify(noted))
        }
        db.exec('COMMIT')
      } catch (error) {
        db.exec('ROLLBACK')
        throw error
      }
    },
    forget: before => void forget.run(before),
    close: () => db.close(),
  }
}

/** What is damaged is as good as not noted: what it said is found again. */
function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
