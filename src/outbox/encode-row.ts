/**
 * A received request → the row that every store keeps of it: what was validated, and the body to the letter. Made where the body
 * was parsed, so that two texts cross to the outbox's thread or object, and not an object an event. Pure.
 */
import { fnv1a53 } from '../event/hash.ts'
import type { EventVerdict, Identity, ReceivedRequest } from '../event/received-request.ts'
import { toState } from '../reasons/outcomes.ts'
import { checksumOf } from './checksum.ts'
import { FROM_BODY, type RequestRow, type RowEntry } from './request-row.ts'

/** Where the host has one that takes less time than the writing it saves. */
export type Compression = {
  /** Of one text after the other; `undefined` when they are too short for it to pay. */
  compress(...texts: readonly string[]): Uint8Array | undefined
  decompress(bytes: Uint8Array): string
}

/** Faults kept of one request, in characters: a Durable Object takes no row over 2 MB. The reason is kept in any case. */
const FAULTS_KEPT = 256 * 1_024

/** `compression`: where it is made in another thread than the outbox's, so that less crosses to that. */
export function encodeRow(intake: ReceivedRequest, compression?: Compression): RequestRow {
  const parcel = toText(intake)
  return sealParcel(compression ? compressParcel(parcel, compression) : parcel)
}

function toText({ body, encoding, receivedAt, entries }: ReceivedRequest): RequestRow {
  return {
    ...{ body, encoding, receivedAt },
    kept: JSON.stringify(toKeptAll(entries)),
    events: entries.length,
    source: entries.find(({ identity }) => identity)?.identity?.source,
    rejected: entries.flatMap(({ reason, identity, carried }) => {
      // What was carried was told where it came from; what is skipped on purpose is no failure.
      if (carried || reason === undefined || reason === 'participant_unknown') return []
      if (toState(reason) === 'skipped') return []
      return { reason, id: identity?.id }
    }),
  }
}

/** What is compressed is `RowEntry[]` as JSON, which has no line break, one line break, and the body. */
export function compressParcel(parcel: RequestRow, { compress }: Compression): RequestRow {
  if (parcel.compressed) return parcel
  const compressed = compress(parcel.kept, '\n', parcel.body)
  return compressed ? { ...parcel, kept: '', body: '', compressed, checksum: undefined } : parcel
}

/** With its checksum, which is worked out where the request was parsed and not while others wait for the outbox. */
export function sealParcel(parcel: RequestRow): RequestRow {
  const { kept, body, compressed } = parcel
  const checksum = parcel.checksum ?? (compressed ? checksumOf(compressed) : checksumOf(kept, body))
  return { ...parcel, checksum }
}

function toKeptAll(entries: readonly EventVerdict[]): RowEntry[] {
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
  { identity, type, version, state, reason, again, only, carried, observed }: EventVerdict,
  faults: string | null,
): RowEntry {
  // What came by the webhook has no other identity than its own.
  if (observed !== undefined && !again && !carried) {
    return [identity ? FROM_BODY : null, 0, type, version, state, reason ?? null, faults, null, observed]
  }
  const [slot, proof] = carried?.seen ?? (identity ? hashed(identity) : [null, 0])
  if (carried) {
    const more = { settledAt: carried.settledAt }
    return [slot, proof, type, version, carried.state, carried.reason, faults, more]
  }
  const wish = only === undefined ? (again ? { again } : null) : { only }
  return [slot, proof, type, version, state, reason ?? null, faults, wish]
}

export function hashed(identity: Identity): [slot: number, proof: number] {
  return [toBucket(identity), toFingerprint(identity)]
}

/** Where `seen` looks an event up. */
export const toBucket = ({ source, id }: Identity): number => fnv1a53(`${source}\n${id}`)
/** Tells two events of one slot apart. */
export const toFingerprint = ({ source, id }: Identity): number => fnv1a53(`${id}\n${source}`)
