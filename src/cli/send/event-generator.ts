/**
 * The events of a load, as Twilio's come: a message's stations one after another, some events twice, some before others that
 * were first. In: dice. Out: as many events as are asked for, for ever. No clock but the one handed in.
 */
import { newMessageSid, type Sample, type SampleOptions, toSample } from './samples.ts'

export type FeedOptions = Pick<SampleOptions, 'version' | 'customer' | 'accountSid'> & {
  /** One event of each, message after message. Without any: messages as they usually go. */
  readonly types: readonly string[]
  /** Share of events that come a second time, 0 to 1. */
  readonly duplicates: number
  readonly isOutOfOrder: boolean
  readonly random: () => number
  readonly now: () => number
}

export type Feed = {
  take(count: number): { readonly events: readonly Sample[]; readonly duplicates: number }
}

/** So far apart two events can be and still change places, or an event and its copy. */
const WINDOW = 200
const CUSTOMERS = 1_000_000

export function createFeed(options: FeedOptions): Feed {
  const { types, duplicates, isOutOfOrder, random, now, version, accountSid } = options
  const coming: Sample[] = []
  const again: { readonly event: Sample; readonly after: number }[] = []
  let emitted = 0

  function addMessage(): void {
    const number = Math.floor(random() * CUSTOMERS)
    const customer = options.customer ?? `+15550${String(number).padStart(6, '0')}`
    const messageSid = newMessageSid()
    for (const type of types.length > 0 ? types : toJourney(random)) {
      // A reply is a message of its own.
      const sid = type.includes('inbound') ? newMessageSid() : messageSid
      coming.push(toSample(type, { version, customer, accountSid, messageSid: sid, at: now() }))
    }
  }

  function next(): { event: Sample; isCopy: boolean } {
    emitted += 1
    const due = again.findIndex(({ after }) => after <= emitted)
    const [copy] = due < 0 ? [] : again.splice(due, 1)
    if (copy) return { event: copy.event, isCopy: true }
    while (coming.length < (isOutOfOrder ? WINDOW : 1)) addMessage()
    const [event] = coming.splice(isOutOfOrder ? Math.floor(random() * coming.length) : 0, 1)
    if (!event) throw new Error('There is always a next event')
    if (random() < duplicates) again.push({ event, after: emitted + 1 + Math.floor(random() * WINDOW) })
    return { event, isCopy: false }
  }

  return {
    take(count) {
      const taken = Array.from({ length: count }, next)
      return {
        events: taken.map(({ event }) => event),
        duplicates: taken.filter(({ isCopy }) => isCopy).length,
      }
    },
  }
}

function toJourney(random: () => number): string[] {
  const message = 'com.twilio.messaging.message'
  if (random() < 0.03) return [`${message}.sent`, `${message}.undelivered`]
  const replies = random() < 0.05 ? ['com.twilio.messaging.inbound-message.received'] : []
  return [`${message}.sent`, `${message}.delivered`, ...replies]
}
