/** Every SQL statement there is, beside the tables in migrations.ts. Positional `?` only; lists come as JSON text. */

// Requests, as they came
export const insertRequest =
  'INSERT INTO requests (id, received_at, encoding, entries, body) VALUES (?, ?, ?, ?, ?)'
export const newestRequest = 'SELECT coalesce(max(id), 0) AS id FROM requests'
export const requestAfter = 'SELECT id, received_at, entries FROM requests WHERE id > ? ORDER BY id LIMIT 1'
export const requestBody = 'SELECT encoding, body FROM requests WHERE id = ?'
export const countEntriesAfter =
  'SELECT coalesce(sum(json_array_length(entries)), 0) AS n FROM requests WHERE id > ?'

// Sorting requests into events
export const findKind = 'SELECT id FROM kinds WHERE type = ? AND version = ?'
export const insertKind = 'INSERT INTO kinds (type, version) VALUES (?, ?) RETURNING id'
export const seenAmong = `
  SELECT s.identity, s.proof, s.request, s.position
  FROM json_each(?) AS asked CROSS JOIN seen AS s ON s.identity = asked.value`
export const insertSeen = `
  INSERT INTO seen (identity, proof, request, position)
  SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3 FROM json_each(?) WHERE true
  ON CONFLICT (identity) DO UPDATE SET proof = excluded.proof, request = excluded.request, position = excluded.position`
export const insertEvents = `
  INSERT INTO events (request, position, received_at, kind, state, reason, settled_at, identity, detail)
  SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4, value ->> 5, value ->> 6, value ->> 7, value ->> 8
  FROM json_each(?)`
export const deleteEvent = 'DELETE FROM events WHERE request = ? AND position = ?'
export const addCount = `
  INSERT INTO counts (kind, state, reason, n) VALUES (?, ?, ?, ?)
  ON CONFLICT (kind, state, reason) DO UPDATE SET n = n + excluded.n`

// Delivery
export const pendingEvents = `
  SELECT request, position, received_at FROM events WHERE state = 'pending' ORDER BY request, position LIMIT ?`
export const newestPending = `
  SELECT request, position, received_at FROM events WHERE state = 'pending'
  ORDER BY request DESC, position DESC LIMIT ?`
export const eventAt = 'SELECT * FROM events WHERE request = ? AND position = ?'
export const settleEvent = `
  UPDATE events SET state = ?, reason = ?, settled_at = ?, detail = ? WHERE request = ? AND position = ?`
export const insertDelivery = `
  INSERT INTO deliveries
    (at, took_ms, events, first_request, first_position, last_request, last_position, reason, status, answer)
  VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`

// Looking
export const allCounts = `
  SELECT k.type, k.version, c.state, c.reason, c.n FROM counts AS c JOIN kinds AS k ON k.id = c.kind
  ORDER BY k.type, k.version, c.state, c.reason`
export const oldestPending = `
  SELECT received_at FROM events WHERE state = 'pending' ORDER BY request, position LIMIT 1`
export const deliveriesOf = `
  SELECT at, took_ms, events, reason, status, answer FROM deliveries
  WHERE at >= ? AND at <= ? AND (first_request, first_position) <= (?, ?) AND (last_request, last_position) >= (?, ?)
  ORDER BY at DESC, id DESC LIMIT 200`

const eventColumns = `
  e.request, e.position, e.received_at, k.type, k.version, e.state, e.reason, e.settled_at, e.detail
  FROM events AS e JOIN kinds AS k ON k.id = e.kind`
export const eventRow = `SELECT ${eventColumns} WHERE e.request = ? AND e.position = ?`
/** The words of the partial index, which SQLite wants to read again before it uses it. */
const aside = "e.state IN ('rejected', 'refused', 'skipped')"
/** Newest first, from a position downwards. One statement a state, so that each can use its partial index. */
export const eventsBefore = {
  any: eventsBeforeWhere('true'),
  pending: eventsBeforeWhere("e.state = 'pending'"),
  rejected: eventsBeforeWhere(`${aside} AND e.state = 'rejected'`),
  refused: eventsBeforeWhere(`${aside} AND e.state = 'refused'`),
  accepted: eventsBeforeWhere("e.state = 'accepted'"),
  skipped: eventsBeforeWhere(`${aside} AND e.state = 'skipped'`),
} as const

function eventsBeforeWhere(condition: string): string {
  return `SELECT ${eventColumns} WHERE ${condition} AND (e.request, e.position) < (?, ?)
    ORDER BY e.request DESC, e.position DESC LIMIT ?`
}

// Carrying events to another outbox
export const eventsToCarry = `
  SELECT e.identity, ${eventColumns} WHERE (e.request, e.position) > (?, ?) ORDER BY e.request, e.position LIMIT ?`
export const proofOf = 'SELECT proof FROM seen WHERE identity = ? AND request = ? AND position = ?'

// Pruning
export const eventsAfter = `
  SELECT request, position, received_at, state, settled_at, identity FROM events
  WHERE (request, position) > (?, ?) ORDER BY request, position LIMIT ?`
export const requestAges = 'SELECT id, received_at FROM requests WHERE id > ? ORDER BY id LIMIT ?'
export const requestInUse = `
  SELECT 1 AS used FROM events
  WHERE request = ? AND (state NOT IN ('accepted', 'skipped') OR settled_at > ?) LIMIT 1`
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

// Small things to remember
export const recall = 'SELECT value FROM memory WHERE name = ?'
export const remember = `
  INSERT INTO memory (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value`
