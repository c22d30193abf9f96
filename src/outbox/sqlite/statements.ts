/** Every SQL statement there is, beside the tables in migrations.ts. Positional `?` only; lists come as JSON text. */

// Requests, as they came
export const insertRequest = `
  INSERT INTO requests (id, received_at, encoding, entries, body, kept_at, events, compressed, checksum)
  VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`
export const newestRequest = 'SELECT coalesce(max(id), 0) AS id FROM requests'
/** How many events a request has, of one that is too damaged to say so as well: as many as a body may hold, at most. */
const eventCount = `min(10000, max(0, coalesce(
  events, CASE WHEN json_valid(entries) THEN json_array_length(entries) END, 1)))`
/** Numbers within what a host can read: a damaged one must not make the reading of the row fail. */
const requestColumns = `
  id, encoding, entries, body, compressed, events IS NOT NULL AS counted, ${eventCount} AS events,
  min(8640000000000000, max(0, received_at)) AS received_at, min(8640000000000000, max(0, kept_at)) AS kept_at,
  CASE WHEN checksum BETWEEN 0 AND 4294967295 THEN checksum WHEN checksum IS NOT NULL THEN -1 END AS checksum
  FROM requests`
export const requestAfter = `SELECT ${requestColumns} WHERE id > ? ORDER BY id LIMIT 1`
export const requestAt = `SELECT ${requestColumns} WHERE id = ?`
export const requestIsKept = 'SELECT 1 AS kept FROM requests WHERE id = ?'
export const countEntriesAfter = `SELECT coalesce(sum(${eventCount}), 0) AS n FROM requests WHERE id > ?`
export const oldestUnsorted = `
  SELECT coalesce(kept_at, received_at) AS at FROM requests WHERE id > ? ORDER BY id LIMIT 1`

// Sorting requests into events
export const findKind = 'SELECT id FROM kinds WHERE type = ? AND version = ?'
export const insertKind = 'INSERT INTO kinds (type, version) VALUES (?, ?) RETURNING id'
export const kindsAfter = 'SELECT id, type, version FROM kinds WHERE id > ?'
/** The counts of one kind, added to those of another. */
export const moveCounts = `
  INSERT INTO counts (kind, state, reason, destination, n)
  SELECT ?, state, reason, destination, n FROM counts WHERE kind = ?
  ON CONFLICT (kind, state, reason, destination) DO UPDATE SET n = n + excluded.n`
export const deleteCounts = 'DELETE FROM counts WHERE kind = ?'
export const seenAmong = `
  SELECT s.identity, s.proof, s.request, s.position
  FROM json_each(?) AS asked CROSS JOIN seen AS s ON s.identity = asked.value`
export const insertSeen = `
  INSERT INTO seen (identity, proof, request, position)
  SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3 FROM json_each(?) WHERE true
  ON CONFLICT (identity) DO UPDATE SET proof = excluded.proof, request = excluded.request, position = excluded.position`
export const insertEvents = `
  INSERT INTO events
    (request, position, received_at, kind, state, reason, settled_at, identity, detail, destination)
  SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4, value ->> 5, value ->> 6, value ->> 7,
    value ->> 8, value ->> 9
  FROM json_each(?)`
export const newestSorted = 'SELECT coalesce(max(request), 0) AS id FROM events'
export const deleteEvent = 'DELETE FROM events WHERE request = ? AND position = ?'
export const countRows = 'SELECT c.kind, c.state, c.reason, c.destination, c.n FROM counts AS c'
export const deleteCount =
  'DELETE FROM counts WHERE kind = ? AND state = ? AND reason = ? AND destination = ?'
/** Of counts whose kind is gone: without one neither they nor their events would be seen. */
export const lostKinds = `
  SELECT DISTINCT c.kind FROM counts AS c WHERE NOT EXISTS (SELECT 1 FROM kinds AS k WHERE k.id = c.kind)`
export const restoreKind = 'INSERT INTO kinds (id, type, version) VALUES (?, ?, 0)'
export const addCount = `
  INSERT INTO counts (kind, state, reason, destination, n) VALUES (?, ?, ?, ?, ?)
  ON CONFLICT (kind, state, reason, destination) DO UPDATE SET n = n + excluded.n`

// Delivery: see delivery-statements.ts
export const insertDelivery = `
  INSERT INTO deliveries (destination,
    at, took_ms, events, first_request, first_position, last_request, last_position, reason, status, answer, headers)
  VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`

// Looking
export const allCounts = `
  SELECT k.type, k.version, c.state, c.reason, c.destination, c.n FROM counts AS c JOIN kinds AS k ON k.id = c.kind
  ORDER BY k.type, k.version, c.state, c.reason, c.destination`
/** From the last one backwards, through at most so many: between an event's attempts there may be those of a whole backlog. */
export const deliveriesOf = `
  SELECT at, took_ms, events, reason, status, answer, headers FROM (
    SELECT * FROM deliveries WHERE at >= ? AND at <= ? ORDER BY at DESC, id DESC LIMIT ?
  ) WHERE destination = ? AND (first_request, first_position) <= (?, ?) AND (last_request, last_position) >= (?, ?)
  LIMIT ?`

/** An event whose kind is damaged or gone is seen as well. */
const eventColumns = `
  e.request, e.position, e.received_at, coalesce(k.type, '') AS type, coalesce(k.version, 0) AS version,
  e.state, e.reason, e.settled_at, e.detail, e.attempts, e.tried_at, e.destination`
const fromEvents = 'FROM events AS e LEFT JOIN kinds AS k ON k.id = e.kind'
// Watching
export const eventsSince = `
  SELECT ${eventColumns} ${fromEvents} WHERE e.request > ? AND e.request <= ? ORDER BY e.request DESC, e.position DESC LIMIT ?`
export const countSince =
  'SELECT count(*) AS n FROM (SELECT 1 FROM events WHERE request > ? AND request <= ? LIMIT ?)'
const stateColumns = `
  e.request, e.position, e.destination, e.state, e.reason, e.settled_at, e.detail, e.tried_at, e.attempts`
export const statesAmong = `
  SELECT ${stateColumns} FROM json_each(?) AS asked
  CROSS JOIN events AS e ON e.request = asked.value ->> 0 AND e.position = asked.value ->> 1`
export const statesUpTo = `
  SELECT ${stateColumns} FROM events AS e WHERE e.request <= ? ORDER BY e.request DESC, e.position DESC LIMIT ?`

// Listing
export const eventRow = `SELECT ${eventColumns} ${fromEvents} WHERE e.request = ? AND e.position = ?`
/** The words of the partial index, which SQLite wants to read again before it uses it. */
const aside = "e.state IN ('rejected', 'refused', 'skipped')"
/** In order of the index, so that it is used. */
export const kindsOf = {
  events: {
    pending: kindsOfPending('events'),
    rejected: kindsOfDead('rejected'),
    refused: kindsOfDead('refused'),
  },
  further: {
    pending: kindsOfPending('further'),
    rejected: kindsOfDeadFurther('rejected'),
    refused: kindsOfDeadFurther('refused'),
  },
} as const

function kindsOfPending(table: string): string {
  return `SELECT request, position, destination, kind, reason FROM ${table} WHERE state = 'pending'
    ORDER BY destination, reason, request, position LIMIT ?`
}

function kindsOfDead(state: string): string {
  return `SELECT e.request, e.position, e.destination, e.kind, e.reason FROM events AS e WHERE ${aside} AND e.state = '${state}'
    ORDER BY e.request, e.position LIMIT ?`
}

function kindsOfDeadFurther(state: string): string {
  return `SELECT request, position, destination, kind, reason FROM further
    WHERE state IN ('rejected', 'refused') AND state = '${state}' ORDER BY request, position LIMIT ?`
}

/**
 * Newest first, from a position downwards. One statement a state, so that each can use its partial index. There is none of
 * the accepted ones, which are most of all: they are picked out of `any`.
 */
export const eventsBefore = {
  any: eventsBeforeWhere('true'),
  /** Of one destination and reason, or no reason: those that are held back stand apart in the index. */
  pending: eventsBeforeWhere("e.destination = ? AND e.state = 'pending' AND e.reason IS ?"),
  rejected: eventsBeforeWhere(`${aside} AND e.state = 'rejected'`),
  refused: eventsBeforeWhere(`${aside} AND e.state = 'refused'`),
  skipped: eventsBeforeWhere(`${aside} AND e.state = 'skipped'`),
} as const
/** Of one state and reason, by the index of these. */
export const deadLettersBefore = eventsBeforeWhere(
  "e.state IN ('rejected', 'refused') AND e.state = ? AND e.reason = ?",
)

/** Events of which another delivery than the first is in that state. */
export const furtherBefore = {
  pending: furtherBeforeWhere("f.destination = ? AND f.state = 'pending' AND f.reason IS ?"),
  dead: furtherBeforeWhere("f.state IN ('rejected', 'refused') AND f.state = ?"),
} as const

function furtherBeforeWhere(condition: string): string {
  return `SELECT ${eventColumns} FROM further AS f
    CROSS JOIN events AS e ON e.request = f.request AND e.position = f.position LEFT JOIN kinds AS k ON k.id = e.kind
    WHERE ${condition} AND (f.request, f.position) < (?, ?) ORDER BY f.request DESC, f.position DESC LIMIT ?`
}

function eventsBeforeWhere(condition: string): string {
  return `SELECT ${eventColumns} ${fromEvents} WHERE ${condition} AND (e.request, e.position) < (?, ?)
    ORDER BY e.request DESC, e.position DESC LIMIT ?`
}

// Carrying events to another outbox
export const eventsToCarry = `
  SELECT e.identity, ${eventColumns} ${fromEvents} WHERE (e.request, e.position) > (?, ?) ORDER BY e.request, e.position LIMIT ?`
export const eventsOfRequest = 'SELECT events FROM requests WHERE id = ?'
export const proofOf = 'SELECT proof FROM seen WHERE identity = ? AND request = ? AND position = ?'

// Sending accepted events again
export const eventsToResend = `
  SELECT ${eventColumns}, r.id AS kept ${fromEvents} LEFT JOIN requests AS r ON r.id = e.request
  WHERE (e.request, e.position) > (?, ?) ORDER BY e.request, e.position LIMIT ?`

// Pruning
export const eventsAfter = `
  SELECT request, position, received_at, state, reason, settled_at, detail, attempts, tried_at, destination, identity
  FROM events WHERE (request, position) > (?, ?) ORDER BY request, position LIMIT ?`
export const requestAges = 'SELECT id, received_at FROM requests WHERE id > ? ORDER BY id LIMIT ?'
export const requestInUse = {
  events: requestInUseBy('events'),
  further: requestInUseBy('further'),
} as const

function requestInUseBy(table: string): string {
  return `SELECT 1 AS used FROM ${table}
    WHERE request = ? AND (state NOT IN ('accepted', 'skipped') OR settled_at > ?) LIMIT 1`
}

export const deleteRequest = 'DELETE FROM requests WHERE id = ?'
export const deleteSeen = 'DELETE FROM seen WHERE identity = ? AND request = ? AND position = ?'
export const deleteDeliveriesBefore = `
  DELETE FROM deliveries WHERE id IN (SELECT id FROM deliveries WHERE at < ? ORDER BY at LIMIT ?) RETURNING id`
export const oldestKept =
  'SELECT min(received_at) AS at FROM requests WHERE id = (SELECT min(id) FROM requests)'

// Notices
export const insertNotice = 'INSERT INTO notices (at, notice) VALUES (?, ?)'
export const latestNotices = 'SELECT notice FROM notices ORDER BY id DESC LIMIT ?'
export const deleteOldNotices = 'DELETE FROM notices WHERE id <= (SELECT max(id) FROM notices) - ?'

// What came, by the hour
export const hourOf = 'SELECT hour, kind, counts FROM hours WHERE hour = ? AND kind = ?'
export const putHour = `
  INSERT INTO hours (hour, kind, events, counts) VALUES (?, ?, ?, ?)
  ON CONFLICT (hour, kind) DO UPDATE SET events = excluded.events, counts = excluded.counts`
export const hoursFrom = 'SELECT hour, kind, counts FROM hours WHERE hour >= ?'
export const hoursBefore =
  'SELECT hour, kind, counts FROM hours WHERE hour > 0 AND hour < ? ORDER BY hour, kind LIMIT ?'
export const deleteHour = 'DELETE FROM hours WHERE hour = ? AND kind = ?'
export const hoursAndCountsOf = `
  SELECT hour, kind, events, CASE WHEN hour BETWEEN ? AND ? THEN counts END AS counts FROM hours
  WHERE hour >= 0 ORDER BY hour, kind`
export const kindAt = 'SELECT type, version FROM kinds WHERE id = ?'

// Does the account fit the rows? `LIMIT` bounds what is counted
const countRejected = countUpTo("state IN ('rejected', 'refused') AND state = 'rejected'")
const countRefused = countUpTo("state IN ('rejected', 'refused') AND state = 'refused'")
export const countEvents = countUpTo('request > 0')
/** Deliveries, by state and table. */
export const countDeliveries = {
  pending: [countUpTo("state = 'pending'"), countUpTo("state = 'pending'", 'further')],
  rejected: [countRejected, countUpTo("state IN ('rejected', 'refused') AND state = 'rejected'", 'further')],
  refused: [countRefused, countUpTo("state IN ('rejected', 'refused') AND state = 'refused'", 'further')],
} as const

function countUpTo(condition: string, table = 'events'): string {
  return `SELECT count(*) AS n FROM (SELECT 1 FROM ${table} WHERE ${condition} LIMIT ?)`
}

// Small things to remember
export const recall = 'SELECT value FROM memory WHERE name = ?'
export const remember = `
  INSERT INTO memory (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value`
export const setAside = 'UPDATE OR REPLACE memory SET name = ? WHERE name = ?'
