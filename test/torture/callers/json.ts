/** Every file of JSONTestSuite as a signed body, as the data of an event and inside of it; and bytes that are no text. */
import { isDeepStrictEqual } from 'node:util'
import * as z from 'zod'
import { messageStatus, sendBody } from '../../support/twilio.ts'
import type { Context, Scenario } from '../scenario.ts'
import { beside, eachOf } from './beside.ts'
import { type Kept, readExport } from './export.ts'
import { type JsonCase, suite, toByteCases } from './json-cases.ts'

const Answer = z.object({ received: z.number(), rejected: z.number() })
const AT_ONCE = 8
/** [DL14] */
const TOO_DEEP = /\[{500}/

/** What the body is, told without a line of the bridge's own decoding. */
type Expected =
  | { readonly kind: 'base64' | 'raw'; readonly kept: string }
  | { readonly kind: 'elements'; readonly text: string; readonly count: number }

function expectOf(bytes: Uint8Array): Expected {
  const buffer = Buffer.from(bytes)
  const text = buffer.toString('utf8')
  const isText = !buffer.includes(0) && Buffer.from(text).equals(buffer)
  if (!isText) return { kind: 'base64', kept: buffer.toString('base64') }
  const kept = text.replace(/^\ufeff/, '')
  const parsed = parse(kept)
  if (parsed === undefined) return { kind: 'raw', kept }
  return { kind: 'elements', text: kept, count: Array.isArray(parsed) ? parsed.length : 1 }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** One after the other, so that the outbox's order tells which is which. */
async function sendBodies(context: Context, cases: readonly JsonCase[]): Promise<void> {
  const { bridge, ledger } = context
  const sent: (JsonCase & { expected: Expected })[] = []
  for (const { name, bytes } of cases) {
    const expected = expectOf(bytes)
    const response = await sendBody(bridge.webhook, bytes)
    const { received, rejected } = Answer.catch({ received: -1, rejected: -1 }).parse(await response.json())
    const count = expected.kind === 'elements' ? expected.count : 1
    const isRight = response.status === 200 && received === count && rejected === count
    context.fault('odd body')
    context.expect(
      isRight,
      `${name}: answered ${response.status}, ${rejected} of ${received} rejected, not ${count}`,
    )
    ledger.others(count, response.status === 200)
    if (count > 0) sent.push({ name, bytes, expected })
  }

  const groups = toRequests(await readExport(bridge))
  context.expect(groups.length === sent.length, `${sent.length} bodies were sent, ${groups.length} are kept`)
  for (const [at, { name, expected }] of sent.entries()) {
    const kept = groups[at] ?? []
    context.expect(isKept(expected, kept), `${name} is not kept as it came: ${kept[0]?.line.slice(0, 200)}`)
  }
  context.note(`${cases.length} bodies, ${sent.length} of them with something in them, kept as they came`)
}

/** Those without an identity of their own, which the honest ones have. */
function toRequests(kept: readonly Kept[]): Kept[][] {
  const requests = new Map<string, Kept[]>()
  for (const each of kept) {
    const [request] = each.key?.split('-') ?? []
    if (request !== undefined) requests.set(request, [...(requests.get(request) ?? []), each])
  }
  return [...requests.values()]
}

function isKept(expected: Expected, kept: readonly Kept[]): boolean {
  if (kept.some(({ state }) => state !== 'rejected')) return false
  if (expected.kind === 'elements')
    return isMadeOf(
      expected.text,
      kept.map(({ text }) => text ?? ''),
    )
  const [only] = kept
  return (
    kept.length === 1 &&
    only?.raw === expected.kept &&
    (only.encoding === 'base64') === (expected.kind === 'base64')
  )
}

/** The elements, in order and to the letter, with nothing but commas, blanks and the brackets around them. */
function isMadeOf(text: string, elements: readonly string[]): boolean {
  // A line of an export holds no line break, and in JSON it is a blank like any other.
  let rest = text.replaceAll(/[\r\n]/g, ' ')
  if (/^\s*\[/.test(rest)) rest = rest.replace(/^\s*\[/, '').replace(/\]\s*$/, '')
  for (const element of elements) {
    rest = rest.replace(/^[\s,]*/, '')
    if (!rest.startsWith(element)) return false
    rest = rest.slice(element.length)
  }
  return /^\s*$/.test(rest)
}

/** As `data` that is a text, and as a field within data that is a text: then JSON decides what becomes of the event. */
async function sendAsData(context: Context): Promise<void> {
  const { bridge, ledger } = context
  const events = suite.flatMap(({ bytes }) => {
    const text = Buffer.from(bytes).toString()
    const { data, ...event } = messageStatus()
    const within = `${JSON.stringify(data).slice(0, -1)},"more":${text}}`
    return [
      { ...event, data: text },
      { ...messageStatus(), data: within },
    ]
  })
  const [plain, lossy] = [
    events.filter(each => !isLossy(each.data)),
    events.filter(each => isLossy(each.data)),
  ]
  context.note(`${lossy.length} with numbers that JSON cannot give back are left out`)
  await eachOf(plain, AT_ONCE, async event => {
    const isRead = isObject(parse(event.data)) && event.data.includes('"messageSid"')
    const fate = isRead ? (TOO_DEEP.test(event.data) ? 'refused' : 'accepted') : 'rejected'
    context.fault('odd data')
    ledger.sent([event], fate)
    const { status } = await sendBody(bridge.webhook, JSON.stringify([event]))
    context.expect(status === 200, `data ${event.data.slice(0, 60)} was answered ${status}`)
    if (status === 200) ledger.acknowledged([event])
  })
  await context.until('all is delivered', async () => (await bridge.stats()).pending === 0)
  const kept = new Map((await readExport(bridge)).map(({ event, text }) => [event?.id, text]))
  const changed = plain.filter(event => kept.get(event.id) !== JSON.stringify(event))
  context.expect(
    changed.length === 0,
    `${changed.length} events are not kept as they came: ${changed[0]?.data}`,
  )
}

/** -0 and what is beyond a double: no JSON.stringify writes them. */
function isLossy(text: string): boolean {
  const parsed = parse(text)
  return parsed !== undefined && !isDeepStrictEqual(JSON.parse(JSON.stringify(parsed)), parsed)
}

const isObject = (value: unknown) => typeof value === 'object' && value !== null && !Array.isArray(value)

/** Events can be looked at, whatever they are: each of them, or every so-manieth. */
export async function lookAtAll({ bridge, expect }: Context, every = 1): Promise<number> {
  const Page = z.object({
    events: z.array(z.looseObject({ key: z.string() })),
    next: z.string().nullable(),
  })
  const keys: string[] = []
  for (let before = ''; ; ) {
    const { events, next } = Page.parse(
      await bridge.api(`/api/events?limit=500${before && `&before=${before}`}`),
    )
    keys.push(...events.map(({ key }) => key))
    if (next === null) break
    before = next
  }
  const looked = keys.filter((_, at) => at % every === 0)
  await eachOf(looked, AT_ONCE, async key => {
    const detail = await bridge.api<unknown>(`/api/events/${key}`)
    expect(isObject(detail) && !Object.hasOwn(Object(detail), 'error'), `${key} cannot be looked at`)
  })
  return looked.length
}

async function attack(context: Context): Promise<void> {
  const event = () => JSON.stringify([messageStatus()])
  await sendBodies(context, [...suite, ...toByteCases(event)])
  await sendAsData(context)
  context.note(`${await lookAtAll(context, context.isLong ? 1 : 4)} events were looked at`)
}

export const scenarios: readonly Scenario[] = [
  {
    name: 'json-test-suite',
    does: 'Sends every file of JSONTestSuite as a signed body and as data of an event, and bytes that are no text.',
    short: true,
    run: context => beside(context, () => attack(context)),
  },
]
