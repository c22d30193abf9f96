/**
 * The statements about deliveries: the first of each event, which stands in `events`, and the others, in `further`. The same of
 * both tables.
 */

/** Without those that are held back, which have a reason to wait. */
const due = "destination = ? AND state = 'pending' AND reason IS NULL"
const held = "destination = ? AND state = 'pending' AND reason = 'held_back'"
const heldIndexes = { events: 'held', further: 'further_held' } as const
const judged = 'state, reason, settled_at, detail, attempts, tried_at'

export type DeliveryTable = keyof typeof heldIndexes

function statementsOf(table: DeliveryTable) {
  const byHold = `${table} INDEXED BY ${heldIndexes[table]} WHERE ${held}`
  const among = `
    FROM json_each(?) AS asked
    CROSS JOIN ${table} AS d ON d.request = asked.value ->> 0 AND d.position = asked.value ->> 1`
  return {
    pending: `
      SELECT request, position, destination, received_at FROM ${table} WHERE ${due} ORDER BY request, position LIMIT ?`,
    newestPending: `
      SELECT request, position, destination, received_at FROM ${table} WHERE ${due}
      ORDER BY request DESC, position DESC LIMIT ? OFFSET ?`,
    countPending: `SELECT count(*) AS n FROM (SELECT 1 FROM ${table} WHERE ${due} LIMIT ?)`,
    /** Held back until a time in a span: the first of them. */
    held: `
      SELECT request, position, destination, received_at, holds, held_until FROM ${byHold}
      AND held_until > ? AND held_until <= ? ORDER BY held_until LIMIT ?`,
    nextHeld: `SELECT held_until FROM ${byHold} AND held_until >= 0 ORDER BY held_until LIMIT 1`,
    endHolds: `
      UPDATE ${table} SET held_until = 0 WHERE destination = ? AND (request, position) IN (
        SELECT request, position FROM ${byHold} AND held_until > 0 ORDER BY held_until LIMIT ?)`,
    /** Behind a request: the next that has one which waits, and the next that has one which is held back. */
    nextOpenRequest: `
      SELECT request FROM ${table} WHERE ${due} AND request > ? ORDER BY request, position LIMIT 1`,
    nextHeldRequest: `
      SELECT request FROM ${table} WHERE ${held} AND request > ? ORDER BY request, position LIMIT 1`,
    at: `
      SELECT request, position, destination, received_at, kind, ${judged} FROM ${table} WHERE request = ? AND position = ?`,
    kindsAmong: `SELECT d.kind, d.reason ${among} WHERE +d.destination = ? AND +d.state = ?`,
    /** The plus signs: SQLite looks at the values given, and would go through all that is pending by the index `due`. */
    settle: `
      UPDATE ${table} SET state = ?, reason = ?, settled_at = ?, detail = ?,
        attempts = attempts + ?, tried_at = coalesce(?, tried_at), held_until = ?, holds = ?
      WHERE (request, position) IN (SELECT value ->> 0, value ->> 1 FROM json_each(?)) AND +destination = ? AND +state = ?`,
    countAttempts: `
      UPDATE ${table} SET attempts = attempts + (tried.value ->> 3), tried_at = tried.value ->> 4
      FROM json_each(?) AS tried WHERE ${table}.request = tried.value ->> 0
        AND ${table}.position = tried.value ->> 1 AND ${table}.destination = tried.value ->> 2`,
  } as const
}

export const deliveriesIn = { events: statementsOf('events'), further: statementsOf('further') } as const

/** Of events that have several: all of them, the first from `events`. */
export const sharedAmong = `
  SELECT d.request, d.position, d.destination, d.kind, d.state, d.reason, d.settled_at, d.detail, d.attempts, d.tried_at
  FROM json_each(?) AS asked
  CROSS JOIN events AS d ON d.request = asked.value ->> 0 AND d.position = asked.value ->> 1
  WHERE EXISTS (SELECT 1 FROM further AS f WHERE f.request = d.request AND f.position = d.position)`
export const furtherAmong = `
  SELECT d.request, d.position, d.destination, d.kind, d.state, d.reason, d.settled_at, d.detail, d.attempts, d.tried_at
  FROM json_each(?) AS asked
  CROSS JOIN further AS d ON d.request = asked.value ->> 0 AND d.position = asked.value ->> 1`
export const anyFurther = 'SELECT 1 AS found FROM further LIMIT 1'
export const insertFurther = `
  INSERT INTO further (request, position, destination, received_at, kind, state, reason, settled_at)
  SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4, value ->> 5, value ->> 6, value ->> 7
  FROM json_each(?)`
export const deleteFurther = 'DELETE FROM further WHERE request = ? AND position = ?'
/** Of what the webhook judged, and waits after all. */
export const rerouteEvent = 'UPDATE events SET destination = ? WHERE request = ? AND position = ?'

// Destinations
/** Of all that is counted: those that anything was ever counted for, each more than once. */
export const countedDestinations = 'SELECT c.destination FROM counts AS c'
export const allDestinations = 'SELECT id, name, scope, tag, since, removed_at FROM destinations ORDER BY id'
export const deleteDestinations = 'DELETE FROM destinations'
export const insertDestination = `
  INSERT INTO destinations (id, name, scope, tag, since, removed_at) VALUES (?, ?, ?, ?, ?, ?)`
