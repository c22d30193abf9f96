/**
 * Intake → one appended row, and nothing else: this is the commit that Twilio waits for.
 * Sorting into events follows in sort.ts, from what is kept here.
 */
import { fnv1a53 } from '../fnv1a.ts'
import type { Entry, Identity, Intake } from '../ports.ts'
import type { State } from '../reasons.ts'
import type { Sql } from './sql.ts'
import * as statements from './statements.ts'

/**
 * An entry as the row keeps it: `[identity, proof, type, version, state, reason, faults]`. `identity` is a 53-bit hash of
 * source and id, the slot in `seen`; `proof`, another one, tells two events of one slot apart. Behind them, of replayed events
 * only, what else there is to know.
 */
export type KeptEntry = [
  identity: number | null,
  proof: number,
  type: string,
  version: number,
  state: State,
  reason: string | null,
  faults: string | null,
  more?: { readonly again?: boolean; readonly settledAt?: number | null },
]

/** Faults kept of one request, in characters: a Durable Object takes no row over 2 MB. The reason is kept in any case. */
const FAULTS_KEPT = 256 * 1_024

export function putAll(sql: Sql, firstId: number, intakes: readonly Intake[]): void {
  sql.transaction(() => {
    intakes.forEach(({ body, encoding, receivedAt, entries }, index) => {
      sql.all(
        statements.insertRequest,
        firstId + index,
        receivedAt,
        encoding,
        JSON.stringify(toKeptAll(entries)),
        body,
      )
    })
  }, 'on-disk')
}

function toKeptAll(entries: readonly Entry[]): KeptEntry[] {
  let room = FAULTS_KEPT
  return entries.map(entry => {
    const faults = entry.carried
      ? entry.carried.detail
      : entry.faults.length > 0
        ? JSON.stringify(entry.faults)
        : null
    room -= faults?.length ?? 0
    return toKept(entry, room >= 0 ? faults : null)
  })
}

function toKept(
  { identity, type, version, state, reason, again, carried }: Entry,
  faults: string | null,
): KeptEntry {
  const kept = [
    identity ? toSlot(identity) : null,
    identity ? toProof(identity) : 0,
    type,
    version,
    state,
    reason ?? null,
    faults,
  ] satisfies KeptEntry
  if (again) return [...kept, { again }]
  if (!carried) return kept
  const [slot, proof] = carried.seen ?? kept
  return [slot, proof, type, version, carried.state, carried.reason, faults, { settledAt: carried.settledAt }]
}

/** Where `seen` looks an event up. */
export const toSlot = ({ source, id }: Identity): number => fnv1a53(`${source}\n${id}`)
/** Tells two events of one slot apart. */
export const toProof = ({ source, id }: Identity): number => fnv1a53(`${id}\n${source}`)
