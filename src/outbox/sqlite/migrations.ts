/**
 * The tables, and how they came to be. A change is a new entry, never an edit: the count of applied ones is kept in
 * `migrations` (a Durable Object has no `PRAGMA user_version`). Nothing outside `outbox/` knows these names.
 */
import type { Sql } from './sql.ts'

/** Not a fault of the store: another version of the bridge has to be started. */
export class NewerStoreError extends Error {
  override readonly name = 'NewerStoreError'
}

const NEWER = 'The outbox was written by a newer version'

/** Also of one that came from another object, which has its message only. */
export function isNewerStore(error: unknown): boolean {
  return error instanceof Error && error.message.includes(NEWER)
}

export function migrate(sql: Sql): void {
  sql.exec('CREATE TABLE IF NOT EXISTS migrations (id INTEGER PRIMARY KEY) STRICT')
  const [{ applied } = { applied: 0 }] = sql.all<{ applied: number }>(
    'SELECT count(*) AS applied FROM migrations',
  )
  if (applied > migrations.length) {
    throw new NewerStoreError(
      `${NEWER} (migration ${applied}, this one knows ${migrations.length}): start that version again.`,
    )
  }
  migrations.slice(applied).forEach((script, index) => {
    sql.transaction(() => {
      sql.exec(script)
      sql.all('INSERT INTO migrations (id) VALUES (?)', applied + index + 1)
    }, 'on-disk')
  })
}

/** For a look from outside, before a start: changes nothing. Throws when this is no outbox. */
export function inspect(sql: Pick<Sql, 'all'>): { readonly applied: number; readonly known: number } {
  const [row] = sql.all<{ applied: number }>('SELECT count(*) AS applied FROM migrations')
  return { applied: row?.applied ?? 0, known: migrations.length }
}

/**
 * `requests` is all that the commit before the 2xx writes: one appended row a request, no index beside it. A unique index
 * over random event ids in that commit would cost five times the insert itself, so `seen`, `events` and `counts` follow in
 * larger transactions (index-events.ts). `events` is narrow and points into its request; the two partial indexes hold only what is
 * still to be delivered or looked after, so finished events never slow a claim.
 */
const migrations = [
  `
  CREATE TABLE requests (
    id          INTEGER PRIMARY KEY,
    received_at INTEGER NOT NULL,
    encoding    TEXT NOT NULL,
    entries     TEXT NOT NULL,
    body        TEXT NOT NULL
  ) STRICT;

  CREATE TABLE kinds (
    id      INTEGER PRIMARY KEY,
    type    TEXT NOT NULL,
    version INTEGER NOT NULL,
    UNIQUE (type, version)
  ) STRICT;

  CREATE TABLE events (
    request     INTEGER NOT NULL,
    position    INTEGER NOT NULL,
    received_at INTEGER NOT NULL,
    kind        INTEGER NOT NULL,
    state       TEXT NOT NULL,
    reason      TEXT,
    settled_at  INTEGER,
    identity    INTEGER,
    detail      TEXT,
    PRIMARY KEY (request, position)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX due ON events (request, position) WHERE state = 'pending';
  CREATE INDEX aside ON events (state, request, position) WHERE state IN ('rejected', 'refused', 'skipped');

  CREATE TABLE seen (
    identity INTEGER PRIMARY KEY,
    proof    INTEGER NOT NULL,
    request  INTEGER NOT NULL,
    position INTEGER NOT NULL
  ) STRICT;

  CREATE TABLE counts (
    kind   INTEGER NOT NULL,
    state  TEXT NOT NULL,
    reason TEXT NOT NULL,
    n      INTEGER NOT NULL,
    PRIMARY KEY (kind, state, reason)
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE deliveries (
    id             INTEGER PRIMARY KEY,
    at             INTEGER NOT NULL,
    took_ms        INTEGER NOT NULL,
    events         INTEGER NOT NULL,
    first_request  INTEGER NOT NULL,
    first_position INTEGER NOT NULL,
    last_request   INTEGER NOT NULL,
    last_position  INTEGER NOT NULL,
    reason         TEXT,
    status         INTEGER,
    answer         TEXT NOT NULL
  ) STRICT;
  CREATE INDEX deliveries_at ON deliveries (at);

  CREATE TABLE notices (
    id     INTEGER PRIMARY KEY,
    at     INTEGER NOT NULL,
    notice TEXT NOT NULL
  ) STRICT;

  CREATE TABLE memory (
    name  TEXT PRIMARY KEY,
    value TEXT NOT NULL
  ) STRICT, WITHOUT ROWID;
  `,
  // For the debugger: what became of an event and when; and what came, by the hour, which outlives the events.
  `
  ALTER TABLE requests ADD COLUMN kept_at INTEGER;
  ALTER TABLE events ADD COLUMN attempts INTEGER NOT NULL DEFAULT 0;
  ALTER TABLE events ADD COLUMN tried_at INTEGER;
  ALTER TABLE deliveries ADD COLUMN headers TEXT NOT NULL DEFAULT '{}';
  CREATE INDEX dead ON events (state, reason, request, position) WHERE state IN ('rejected', 'refused');

  CREATE TABLE hours (
    hour   INTEGER NOT NULL,
    kind   INTEGER NOT NULL,
    events INTEGER NOT NULL,
    counts TEXT NOT NULL,
    PRIMARY KEY (hour, kind)
  ) STRICT, WITHOUT ROWID;
  `,
  // What a request keeps may be compressed: then `entries` and `body` are empty, and how many events it has stands here.
  `
  ALTER TABLE requests ADD COLUMN events INTEGER;
  ALTER TABLE requests ADD COLUMN compressed BLOB;
  `,
  // The tables stay. But from here on an entry may be kept without the hashes of its event, which an older version could not sort.
  'SELECT 1;',
  // Of what a row keeps (checksum.ts), to find damage that still parses. Null: kept by a version before.
  'ALTER TABLE requests ADD COLUMN checksum INTEGER;',
  // An event that is held back is pending for a reason, and tried again alone: no claim has to pass over it.
  `
  ALTER TABLE events ADD COLUMN held_until INTEGER;
  ALTER TABLE events ADD COLUMN holds INTEGER NOT NULL DEFAULT 0;
  DROP INDEX due;
  CREATE INDEX due ON events (reason, request, position) WHERE state = 'pending';
  CREATE INDEX held ON events (held_until) WHERE state = 'pending' AND reason = 'held_back';
  `,
  /*
   * An event goes to several destinations. Its row in `events` is its first delivery; `further` has the others, if there are any: so
   * no row of before has to be written again, an event is listed once, and one destination costs no row more.
   */
  `
  CREATE TABLE destinations (
    id         INTEGER PRIMARY KEY,
    name       TEXT NOT NULL,
    scope      TEXT NOT NULL,
    tag        TEXT NOT NULL,
    since      INTEGER NOT NULL,
    removed_at INTEGER
  ) STRICT;
  INSERT INTO destinations (id, name, scope, tag, since)
    SELECT 1, 'segment', 'segment', '', 0 WHERE EXISTS (SELECT 1 FROM requests) OR EXISTS (SELECT 1 FROM counts);

  ALTER TABLE events ADD COLUMN destination INTEGER NOT NULL DEFAULT 1;
  DROP INDEX due;
  CREATE INDEX due ON events (destination, reason, request, position) WHERE state = 'pending';
  DROP INDEX held;
  CREATE INDEX held ON events (destination, held_until) WHERE state = 'pending' AND reason = 'held_back';

  CREATE TABLE further (
    request     INTEGER NOT NULL,
    position    INTEGER NOT NULL,
    destination INTEGER NOT NULL,
    received_at INTEGER NOT NULL,
    kind        INTEGER NOT NULL,
    state       TEXT NOT NULL,
    reason      TEXT,
    settled_at  INTEGER,
    detail      TEXT,
    attempts    INTEGER NOT NULL DEFAULT 0,
    tried_at    INTEGER,
    held_until  INTEGER,
    holds       INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (request, position, destination)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX further_due ON further (destination, reason, request, position) WHERE state = 'pending';
  CREATE INDEX further_held ON further (destination, held_until) WHERE state = 'pending' AND reason = 'held_back';
  CREATE INDEX further_dead ON further (state, request, position) WHERE state IN ('rejected', 'refused');

  ALTER TABLE counts RENAME TO counts_before;
  CREATE TABLE counts (
    kind        INTEGER NOT NULL,
    state       TEXT NOT NULL,
    reason      TEXT NOT NULL,
    destination INTEGER NOT NULL,
    n           INTEGER NOT NULL,
    PRIMARY KEY (kind, state, reason, destination)
  ) STRICT, WITHOUT ROWID;
  INSERT INTO counts (kind, state, reason, destination, n)
    SELECT kind, state, reason, iif(state IN ('received', 'duplicate'), 0, 1), n FROM counts_before;
  DROP TABLE counts_before;

  ALTER TABLE deliveries ADD COLUMN destination INTEGER NOT NULL DEFAULT 1;
  `,
]
