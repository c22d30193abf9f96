/** What a row of `requests` holds: a request as received, and a verdict for each of its events. */
import type { ReceivedRequest } from '../event/received-request.ts'
import type { EventReason, State } from '../reasons.ts'
import { states } from '../reasons.ts'

/**
 * An entry as the row keeps it: `[identity, proof, type, version, state, reason, faults, more, observed]`. `identity` is a
 * 53-bit hash of source and id, the slot in `seen`; `proof`, another one, tells two events of one slot apart. With
 * FROM_BODY they are those of the element itself, which is hashed when it is sorted and not while Twilio waits. `more` is what else there is
 * to know, of imported events only; `observed` what data quality counts, of all others.
 */
export type RowEntry = [
  identity: number | typeof FROM_BODY | null,
  proof: number,
  type: string,
  version: number,
  state: State,
  reason: string | null,
  faults: string | null,
  more?: {
    readonly again?: boolean
    readonly settledAt?: number | null
    /** To this destination alone; what is known already gets a delivery there. */
    readonly only?: number
  } | null,
  observed?: number | null,
]

export const FROM_BODY = 'own'

/** Is it one? Of rows without a checksum. */
export function isRowEntry(value: unknown): value is RowEntry {
  if (!Array.isArray(value)) return false
  const [identity, proof, type, version, state] = value
  const isKnown = identity === null || identity === FROM_BODY || Number.isSafeInteger(identity)
  const isKind = typeof type === 'string' && Number.isSafeInteger(version)
  return isKnown && Number.isSafeInteger(proof) && isKind && states.includes(state)
}

/**
 * An intake as it is written. It is made where the body was parsed: two texts cross to the outbox's thread or object, and
 * not an object an event.
 */
export type RequestRow = Pick<ReceivedRequest, 'body' | 'encoding' | 'receivedAt'> & {
  /** `RowEntry[]` as JSON. */
  readonly kept: string
  /** That and the body, which then are empty; see requests.ts. */
  readonly compressed?: Uint8Array
  /** Of these; see checksum.ts. */
  readonly checksum?: number | undefined
  readonly events: number
  /** A source among them, which tells the account. */
  readonly source: string | undefined
  /** Those that an operator should hear of. */
  readonly rejected: readonly { readonly reason: EventReason; readonly id: string | undefined }[]
}
