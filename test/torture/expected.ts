/** What a track call must hold for an event that was sent: told anew here, without a line of the bridge's own mapping. */
import { isDeepStrictEqual } from 'node:util'
import type { TrackCall } from '../support/segment.ts'
import type { SentEvent } from './ledger.ts'

/** In words; `undefined`: the call is what the event maps to. */
export function differsFrom(call: TrackCall, event: SentEvent): string | undefined {
  const data = typeof event.data === 'string' ? JSON.parse(event.data) : event.data
  const customer = String(event.type).includes('inbound-message') ? data.from : data.to
  if (call.event !== event.type) return `event is ${call.event}`
  if (!isDeepStrictEqual(call.properties, data)) return 'properties are not the data'
  if (call.anonymousId !== toAnonymousId(customer)) return `anonymousId is ${call.anonymousId}`
  if (typeof event.time === 'string' && isInstant(event.time) && call.originalTimestamp !== event.time)
    return `timestamp is ${call.originalTimestamp}`
  const [number] = /\+[1-9]\d{6,14}$/.exec(customer) ?? []
  const ids = number ? [{ id: number, type: 'phone', collection: 'users', encoding: 'none' }] : undefined
  if (ids && !isDeepStrictEqual(call.context.externalIds, ids)) return 'externalIds are not the customer'
  return undefined
}

const isInstant = (text: string) => /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/.test(text)

function toAnonymousId(text: string): string {
  let hash = 0xcbf29ce484222325n
  for (const byte of Buffer.from(text)) hash = BigInt.asUintN(64, (hash ^ BigInt(byte)) * 0x100000001b3n)
  return hash.toString()
}
