/** A stored request → its events, as they arrived: who each is, and what the webhook said of it. */
import { isObject } from '../../event/event.ts'
import type { RouteEvent } from '../deliveries.ts'
import { hashed } from '../encode-row.ts'
import { FROM_BODY, type RowEntry } from '../request-row.ts'
import { createExact, toElements } from './body.ts'
import type { KeptRequest } from './requests.ts'
import { toFaults } from './unreadable.ts'

/** `slot`: where `seen` is asked for it; null: nothing is a copy of it. */
export type Arrival = {
  readonly request: number
  readonly position: number
  readonly proof: number
  readonly receivedAt: number
  readonly slot: number | null
  readonly entry: RowEntry
  /** For a router; undefined when it cannot be read. */
  readonly event: (() => Parameters<RouteEvent>[0]) | undefined
}

export function* arrivalsOf(request: KeptRequest): Iterable<Arrival> {
  const { id, receivedAt } = request
  if (request.unreadable) {
    // Who they are is lost with them, but not that they came: the account closes.
    const faults = toFaults(request.unreadable.cause)
    const entry: RowEntry = [null, 0, '', 0, 'rejected', 'unreadable', faults]
    for (let position = 0; position < request.events; position++)
      yield { request: id, position, receivedAt, slot: null, proof: 0, entry, event: undefined }
    return
  }
  const { entries, body, encoding } = request
  let parsed: readonly unknown[] | undefined
  const elements = () => (parsed ??= toElements(body, encoding))
  let exact: ReturnType<typeof createExact> | undefined
  for (const [position, entry] of entries.entries()) {
    const [identity, kept] = entry
    // Parsed once more for it, which costs 1 µs an event: less than an intake would wait for two hashes and their digits.
    const [slot, proof] = identity === FROM_BODY ? hashOf(elements()[position]) : [identity, kept]
    const event = () => {
      exact ??= createExact(body, elements())
      return { element: elements()[position], exact: exact(position), receivedAt }
    }
    yield { request: id, position, receivedAt, slot, proof, entry, event }
  }
}

function hashOf(element: unknown): [slot: number | null, proof: number] {
  if (!isObject(element)) return [null, 0]
  const { source, id } = element
  return typeof source === 'string' && typeof id === 'string' ? hashed({ source, id }) : [null, 0]
}
