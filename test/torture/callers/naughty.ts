/** The big list of naughty strings in every field of an event, in headers, queries and the admin API; and all of it exported and imported. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { sha256, sign } from '../../support/signatures.ts'
import { authToken, messageStatus, sendBody } from '../../support/twilio.ts'
import { createBridgeProcess } from '../bridge-process.ts'
import type { Context, Scenario } from '../scenario.ts'
import { beside, eachOf, Tally } from './beside.ts'
import { type Kept, readExport } from './export.ts'
import { lookAtAll } from './json.ts'
import { type NaughtyCase, naughty, toCases } from './naughty-cases.ts'
import { dial, head } from './wire.ts'

const AT_ONCE = 8
const A_REQUEST = 50
const IMPORT_LINES = 2_000
/** Of the list's 458, unless the run is a long one. */
const FEW = 40
/** Each may read thousands of events. */
const QUESTIONED = 40
/** One in so many is looked at. */
const LOOKED = 20

async function sendEvents({ bridge, ledger, fault, expect, random }: Context, cases: readonly NaughtyCase[]) {
  const shuffled = random.shuffled(cases)
  const requests = Array.from({ length: Math.ceil(cases.length / A_REQUEST) }, (_, at) =>
    shuffled.slice(at * A_REQUEST, (at + 1) * A_REQUEST),
  )
  await eachOf(requests, AT_ONCE, async request => {
    for (const { event, fate } of request) ledger.sent([event], fate)
    const events = request.map(({ event }) => event)
    const { status } = await sendBody(bridge.webhook, JSON.stringify(events))
    fault('naughty event', events.length)
    expect(status === 200, `${request.length} naughty events were answered ${status}`)
    if (status === 200) ledger.acknowledged(events)
  })
}

/** Where HTTP has no objection; bytes go out as UTF-8. */
const isHeaderValue = (text: string) =>
  [...text].every(char => char === '\t' || (char >= ' ' && char !== '\x7f'))
/** Node's parser takes no other bytes in a target; Twilio sends none. */
const isTarget = (text: string) => /^[\x21-\x7e]*$/.test(text)

async function sendAround(
  { bridge, ledger, fault, expect, note }: Context,
  texts: readonly string[],
): Promise<void> {
  const { origin } = bridge
  const answers = new Tally()

  async function send(what: string, text: string, toBytes: (body: string) => string): Promise<void> {
    const event = messageStatus()
    ledger.sent([event])
    fault(what)
    using wire = await dial(origin)
    wire.socket.write(Buffer.from(toBytes(JSON.stringify([event]))))
    const [answer, ...more] = await wire.answers()
    answers.add(`${what} ${answer?.status}`)
    expect(
      answer?.status === 200 && more.length === 0,
      `${what} ${JSON.stringify(text)}: answered ${answer?.status}`,
    )
    if (answer?.status === 200) ledger.acknowledged([event])
  }
  const withQuery = (body: string, query: string) => {
    const target = `/webhooks/twilio?bodySHA256=${sha256(body)}&x=${query}`
    const signature = sign(origin + target, authToken)
    const lines = [
      `POST ${target} HTTP/1.1`,
      `Host: ${new URL(origin).host}`,
      `X-Twilio-Signature: ${signature}`,
    ]
    return [...lines, `Content-Length: ${body.length}`, '', body].join('\r\n')
  }
  await eachOf(texts, AT_ONCE, async text => {
    if (isHeaderValue(text)) {
      const headers = ['User-Agent', 'Content-Type', 'X-Forwarded-Host', 'X-Forwarded-Proto', 'Cookie']
      const lines = headers.map(name => `${name}: ${text}`)
      await send(
        'naughty headers',
        text,
        body => head(origin, body, [`Content-Length: ${body.length}`, ...lines]) + body,
      )
    }
    await send('naughty query, encoded', text, body => withQuery(body, encodeURIComponent(text)))
    if (isTarget(text)) await send('naughty query, raw', text, body => withQuery(body, text))
  })
  note(answers.toString())
}

async function ask({ bridge, fault, expect }: Context, texts: readonly string[]): Promise<void> {
  // One after the other, as the page asks: each may read thousands of events.
  await eachOf(texts, 1, async text => {
    for (const name of ['q', 'type', 'reason', 'before', 'state']) {
      const path = `/api/events?limit=3&${name}=${encodeURIComponent(text)}`
      fault('naughty question')
      const answer = await bridge.api<unknown>(path)
      // What is no JSON comes as a text.
      const isAnswer =
        typeof answer === 'object' && answer !== null && ('events' in answer || 'faults' in answer)
      expect(isAnswer, `${path} was answered ${JSON.stringify(answer).slice(0, 100)}`)
    }
  })
}

/** Another bridge takes the export in and gives it out again. */
async function carry({ bridge, segment, onEnd, expect, note }: Context): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'torture-'))
  onEnd(() => rmSync(folder, { recursive: true, force: true }))
  const other = await createBridgeProcess(join(folder, 'data'), {
    SEGMENT_WRITE_KEY: 'other',
    SEGMENT_HOST: segment.url,
  })
  onEnd(async () => other.isUp && (await other.kill('SIGTERM')))
  await other.start()
  // What still waits would be sent twice.
  const kept = (await readExport(bridge)).filter(({ state }) => state !== 'pending')
  for (let at = 0; at < kept.length; at += IMPORT_LINES) {
    const body = kept
      .slice(at, at + IMPORT_LINES)
      .map(({ line }) => line)
      .join('\n')
    await other.api('/api/import', { method: 'POST', body })
  }
  const there = new Tally()
  for (const each of await readExport(other)) there.add(toContent(each))
  const here = new Tally()
  const lost = kept.filter(each => {
    here.add(toContent(each))
    return here.of(toContent(each)) > there.of(toContent(each))
  })
  note(
    `${kept.length} events were carried to another bridge, ${kept.length - lost.length} of them are there to the letter`,
  )
  expect(lost.length === 0, `${lost.length} did not arrive as they were: ${lost[0]?.line.slice(0, 200)}`)
}

const toContent = ({ state, reason, text, raw }: Kept) => JSON.stringify([state, reason, text, raw])

async function attack(context: Context): Promise<void> {
  const { bridge, note, expect } = context
  const texts = context.isLong ? naughty : context.random.shuffled(naughty).slice(0, FEW)
  const cases = toCases(texts)
  await sendEvents(context, cases)
  await sendAround(context, texts)
  await context.until('all is delivered', async () => (await bridge.stats()).pending === 0)
  const kept = new Map((await readExport(bridge)).map(({ event, text }) => [event?.id, text]))
  const changed = cases.filter(({ event }) => kept.get(event.id) !== JSON.stringify(event))
  expect(
    changed.length === 0,
    `${changed.length} events are not kept as they came, the first: ${changed[0]?.what}`,
  )
  await ask(context, context.random.shuffled(texts).slice(0, QUESTIONED))
  note(`${await lookAtAll(context, LOOKED)} events were looked at`)
  await carry(context)
}

/** It reads all of them again, over and over, and rests at 250 to 260. */
const AT_REST_MIB = 290

export const scenarios: readonly Scenario[] = [
  {
    name: 'naughty-strings',
    does: 'Puts the big list of naughty strings into every field of an event, into headers, queries and questions.',
    short: true,
    async run(context) {
      await beside(context, () => attack(context))
      return { memoryMiB: AT_REST_MIB }
    },
  },
]
