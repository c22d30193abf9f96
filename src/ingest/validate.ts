/**
 * One element of a body → the entry the outbox keeps of it: pending, or skipped or rejected and why.
 * In: whatever JSON gave. Out: an `Entry`. It changes nothing, never throws, and does no I/O: one bad event must never
 * harm its neighbours.
 */

import { toCustomerAddress } from '../event/customer.ts'
import { isAttribute, isObject, type JsonObject, toEvent, toVersion } from '../event/event.ts'
import { asDefault, type Mapping } from '../event/mapping.ts'
import type { EventVerdict } from '../event/received-request.ts'
import { eventTypeOf } from '../families/index.ts'
import { toState } from '../reasons/outcomes.ts'
import { observe } from '../stats/quality-sample.ts'

const TYPE_CHARACTERS = 200

/** As the settings would have it that are preset. */
export function validate(element: unknown): EventVerdict {
  return validateBy(asDefault, element)
}

/** By the settings of a bridge. */
export function validateBy(mapping: Mapping, element: unknown): EventVerdict {
  const reading = toEvent(element, mapping)
  if (reading.ok) {
    const { event, version, customer } = reading
    const { source, id, type, data } = event
    const identity = { source, id }
    const observed = observe(type, version, data, customer.address?.address ?? null)
    return { identity, type, version, state: 'pending', reason: undefined, faults: [], observed }
  }
  const { reason, faults, data } = reading
  const state = toState(reason)
  const about = toAbout(element)
  const { type, version } = about
  // A sink's test is no data of anybody's.
  const observed = reason === 'sink_test' ? undefined : observeFault(type, version, data, mapping)
  return { ...about, state: state === 'refused' ? 'rejected' : state, reason, faults, observed }
}

/** A rejected event may name its customer all the same. */
function observeFault(type: string, version: number, data: JsonObject | undefined, mapping: Mapping): number {
  const eventType = eventTypeOf(type)
  const address = eventType && data && toCustomerAddress(eventType, data, mapping)?.address
  return observe(type, version, data, address ?? null)
}

/** What can be said of an element though it goes no further. */
function toAbout(element: unknown): Pick<EventVerdict, 'identity' | 'type' | 'version'> {
  if (!isObject(element)) return { identity: undefined, type: '', version: 0 }
  const { id, source, type, dataschema } = element
  return {
    identity: isAttribute(id) && isAttribute(source) && !isSinkTest(type) ? { source, id } : undefined,
    type: typeof type === 'string' ? toLabel(type) : '',
    version: toVersion(dataschema),
  }
}

/** Every test of an account's sinks has the account's SID as its id: they are no duplicates of each other. */
function isSinkTest(type: unknown): boolean {
  return typeof type === 'string' && eventTypeOf(type)?.family.skip === 'sink_test'
}

function toLabel(type: string): string {
  return type.slice(0, TYPE_CHARACTERS).replace(/[\p{Cc}\p{Cs}]/gu, '\ufffd')
}
