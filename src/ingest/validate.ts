/**
 * One element of a body → the entry the outbox keeps of it: pending, or skipped or rejected and why.
 * In: whatever JSON gave. Out: an `Entry`. It changes nothing, never throws, and does no I/O: one bad event must never
 * harm its neighbours.
 */
import { isAttribute, isObject, toEvent, toVersion } from '../event.ts'
import { familyOf } from '../families/index.ts'
import { observe } from '../observation.ts'
import type { Entry } from '../ports.ts'
import { toState } from '../reasons.ts'

const TYPE_CHARACTERS = 200

export function validate(element: unknown): Entry {
  const about = toAbout(element)
  const reading = toEvent(element)
  const { type, version } = about
  if (reading.ok) {
    const observed = observe(type, version, reading.event.data)
    return { ...about, state: 'pending', reason: undefined, faults: [], observed }
  }
  const { reason, faults, data } = reading
  // A sink's test is no data of anybody's.
  const observed = reason === 'sink_test' ? undefined : observe(type, version, data)
  return { ...about, state: toState(reason) === 'skipped' ? 'skipped' : 'rejected', reason, faults, observed }
}

/** What can be said of an element even when it is rejected. */
function toAbout(element: unknown): Pick<Entry, 'identity' | 'type' | 'version'> {
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
  return typeof type === 'string' && familyOf(type)?.skip === 'sink_test'
}

function toLabel(type: string): string {
  return type.slice(0, TYPE_CHARACTERS).replace(/[\p{Cc}\p{Cs}]/gu, '\ufffd')
}
