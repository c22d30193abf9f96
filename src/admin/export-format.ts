/**
 * Events that come from elsewhere than the webhook → intakes, as the webhook makes them. In: an event, or a line that another
 * outbox exported (outbox/sqlite/scan.ts), which is here in the state it was there. Pure.
 */
import * as z from 'zod'
import { isObject } from '../event/event.ts'
import { toMember } from '../event/json-slices.ts'
import { asDefault, type Mapping } from '../event/mapping.ts'
import type { EventVerdict, ReceivedRequest } from '../event/received-request.ts'
import { validateBy } from '../ingest/validate.ts'
import { states } from '../reasons.ts'

/** One event on its way; `receivedAt` is undefined when it comes here first. */
export type Arriving = Pick<ReceivedRequest, 'body' | 'encoding'> & {
  readonly receivedAt: number | undefined
  readonly entry: EventVerdict
  /** Not an event, so that no other may share its body. */
  readonly isRaw?: boolean
}

const time = z.iso.datetime().transform(text => Date.parse(text))
const Line = z.object({
  bridge: z.literal(1),
  state: z.enum(states),
  reason: z.string().nullable(),
  receivedAt: time,
  settledAt: time.nullish(),
  detail: z.string().nullish(),
  event: z.unknown().optional(),
  raw: z.string().optional(),
  encoding: z.enum(['text', 'base64']).optional(),
  type: z.string().optional(),
  version: z.int().nonnegative().optional(),
  seen: z.tuple([z.int(), z.int()]).nullish(),
  key: z.string().nullish(),
})
export type Line = z.infer<typeof Line>

/** `undefined`: it is no line of an export. */
export function toLine(value: unknown): Line | undefined {
  if (!isObject(value) || value.bridge !== 1) return undefined
  return Line.safeParse(value).data
}

/** Ends an export that lacks events, and is none itself. */
export const toUnreadableLine = (events: number): string => `{"bridge":1,"unreadable":${events}}\n`

/** Ends a part of an export: the rest is asked for with `after`. */
export const toNextLine = (after: string): string => `{"bridge":1,"next":${JSON.stringify(after)}}\n`

export const isNextLine = (line: string): boolean => /^\{"bridge":1,"next":"[\w.-]{1,2000}"\}\s*$/.test(line)

/** How many events an export says that it lacks; `undefined`: it is another line. */
export function readUnreadableLine(line: string): number | undefined {
  const [, events] = /^\{"bridge":1,"unreadable":(\d{1,15})\}\s*$/.exec(line) ?? []
  return events === undefined ? undefined : Number(events)
}

/** As it is in the other outbox; a pending one is judged anew, for this version may know better. `text`: the line's. `mapping`: of `judge`. */
export function fromLine(line: Line, text: string, mapping?: Mapping): Arriving {
  const { state, reason, receivedAt, settledAt = null, detail = null, event, raw, key, seen } = line
  // Two that are equal are two all the same, and one that is read twice is one.
  const toOwn = (letters: string) => ({
    source: CARRIED,
    id: `${receivedAt} ${key ? `${key} ` : ''}${letters}`,
  })
  // Bytes, and no event that could be sent: waiting, they would wait for ever.
  const isLost = raw !== undefined && state === 'pending'
  const end = isLost ? ({ state: 'rejected', reason: 'unreadable' } as const) : { state, reason }
  const kept = { ...end, detail, settledAt }
  if (raw !== undefined) {
    const identity = seen ? undefined : toOwn(raw)
    const entry = { ...aboutNothing, identity, carried: { ...kept, ...(seen && { seen }) } }
    return { body: raw, encoding: line.encoding ?? 'text', receivedAt, entry, isRaw: true }
  }
  if (event === undefined) {
    const { type = '', version = 0 } = line
    const carried = { ...kept, ...(seen && { seen }) }
    return { body: 'null', encoding: 'text', receivedAt, entry: { ...aboutNothing, type, version, carried } }
  }
  const body = eventText(text)
  const entry = judge(event, mapping)
  if (state === 'pending') {
    const identity = entry.identity ?? toOwn(body)
    return { body, encoding: 'text', receivedAt, entry: { ...entry, identity } }
  }
  // Moved once already: it stays what it was known by there.
  if (!entry.identity && seen)
    return { body, encoding: 'text', receivedAt, entry: { ...entry, carried: { ...kept, seen } } }
  const identity = entry.identity ?? toOwn(body)
  return { body, encoding: 'text', receivedAt, entry: { ...entry, identity, carried: kept } }
}

/** The event in the text of a line, to the letter: JSON.stringify would round numbers, and goes only so deep. */
export function eventText(line: string): string {
  return toMember(line, 'event') ?? 'null'
}

/** `text`: the event's, to the letter. `mapping`: of `judge`. */
export function fromEvent(element: unknown, text: string, mapping?: Mapping): Arriving {
  const entry = judge(element, mapping)
  // What has no identity of its own is known by its text, or a file read twice would be kept twice.
  const identity = entry.identity ?? { source: CARRIED, id: text.replace(/[\r\n]+/g, ' ') }
  return { body: text, encoding: 'text', receivedAt: undefined, entry: { ...entry, identity } }
}

/** Whether other settings could find a customer, and have it sent. */
export function dependsOnSettings({ reason }: EventVerdict): boolean {
  return reason === 'no_customer' || reason === 'customer_ambiguous'
}

/**
 * As at the webhook; but what comes another way, and at another time, is no part of what Twilio sent in this hour. Who its customer
 * is depends on the settings: without those of the bridge that stores it (`mapping`), that is left to that bridge.
 */
function judge(element: unknown, mapping: Mapping | undefined): EventVerdict {
  const verdict = { ...validateBy(mapping ?? asDefault, element), observed: undefined }
  if (mapping || !dependsOnSettings(verdict)) return verdict
  return { ...verdict, state: 'pending', reason: undefined }
}

/** Events by the reason why they are never sent. */
export type Unsent = Readonly<Record<string, number>>

/** Of those that are skipped, copies of such among them. `skipped`: how many the outbox stored as such. */
export function toUnsent(arriving: readonly Arriving[], skipped = 0): Unsent {
  const unsent: Record<string, number> = {}
  for (const { entry } of arriving) {
    if ((entry.carried ?? entry).state !== 'skipped') continue
    const reason = reasonOf(entry)
    unsent[reason] = (unsent[reason] ?? 0) + 1
  }
  const others = skipped - Object.values(unsent).reduce((sum, n) => sum + n, 0)
  // Whatever else the outbox skips when it sorts an event in, it does for want of a destination.
  return others > 0 ? { ...unsent, no_destination: others } : unsent
}

export function reasonOf({ carried, state, reason }: EventVerdict): string {
  return carried ? (carried.reason ?? carried.state) : (reason ?? state)
}

export function addUnsent(sum: Unsent, more: Unsent): Unsent {
  const unsent: Record<string, number> = { ...sum }
  for (const [reason, events] of Object.entries(more)) unsent[reason] = (unsent[reason] ?? 0) + events
  return unsent
}

const CARRIED = 'carried'
const aboutNothing = {
  identity: undefined,
  type: '',
  version: 0,
  state: 'pending',
  reason: undefined,
  faults: [],
} as const

/** Fewer would cost more an event; more would make looking at one of them slow. */
const EVENTS_A_BODY = 200
/** A Durable Object takes no row over 2 MB. */
const CHARACTERS_A_BODY = 512 * 1_024

export function toIntakes(arriving: readonly Arriving[], now: number): ReceivedRequest[] {
  const intakes: ReceivedRequest[] = []
  let bodies: string[] = []
  let entries: EventVerdict[] = []
  let characters = 0
  let openedAt = 0

  function close(): void {
    if (entries.length > 0)
      intakes.push({ body: `[${bodies.join(',')}]`, encoding: 'text', receivedAt: openedAt, entries })
    bodies = []
    entries = []
    characters = 0
  }

  for (const { body, encoding, receivedAt = now, entry, isRaw } of arriving) {
    const isFull = entries.length === EVENTS_A_BODY || characters + body.length > CHARACTERS_A_BODY
    if (isRaw || isFull || receivedAt !== openedAt) close()
    if (isRaw) {
      intakes.push({ body, encoding, receivedAt, entries: [entry] })
      continue
    }
    openedAt = receivedAt
    characters += body.length
    bodies.push(body)
    entries.push(entry)
  }
  close()
  return intakes
}
