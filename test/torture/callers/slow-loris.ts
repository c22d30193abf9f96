/** Connections that take for ever: half of them send their head a byte at a time, half stop in the middle of the body. */
import { messageStatus } from '../../support/twilio.ts'
import type { Context, Scenario } from '../scenario.ts'
import { beside } from './beside.ts'
import { dial, head, whole } from './wire.ts'

const EACH = 500
const BYTE_MS = 500
/** What hosts/node/http-server.ts allows, the two seconds between its looks, and some for a busy machine. */
const kinds = {
  head: { cutMs: 10_000 + 2_000 + 3_000 },
  body: { cutMs: 30_000 + 2_000 + 3_000 },
} as const
type Kind = keyof typeof kinds

async function attack(context: Context, held: readonly Kind[]): Promise<void> {
  const { origin } = context.bridge
  const body = JSON.stringify([messageStatus()])
  const texts = { head: head(origin, body, [`X-Padding: ${'a'.repeat(500)}`]), body: whole(origin, body) }
  const lastMs = { head: 0, body: 0 }

  async function linger(kind: Kind): Promise<void> {
    using wire = await dial(origin)
    context.fault(`slow ${kind}`)
    const text = texts[kind]
    const startedAt = performance.now()
    const passedMs = () => performance.now() - startedAt
    if (kind === 'body') wire.socket.write(text.slice(0, -200))
    for (let at = 0; !wire.isOver && passedMs() < kinds[kind].cutMs; at++) {
      if (kind === 'head') wire.socket.write(text.slice(at, at + 1))
      await context.sleep(BYTE_MS)
    }
    lastMs[kind] = Math.max(lastMs[kind], passedMs())
    const [answer] = await wire.answers(1, 0)
    context.expect(wire.isOver, `a slow ${kind} still has its place after ${Math.round(passedMs())} ms`)
    context.expect((answer?.status ?? 503) === 503, `a slow ${kind} was answered ${answer?.status}`)
  }

  await Promise.all(held.flatMap(kind => Array.from({ length: EACH }, () => linger(kind))))
  for (const kind of held) context.note(`the last slow ${kind} was cut after ${Math.round(lastMs[kind])} ms`)
}

export const scenarios: readonly Scenario[] = [
  {
    name: 'slow-heads',
    does: 'Sends heads a byte at a time over 500 connections.',
    short: false,
    run: context => beside(context, () => attack(context, ['head'])),
  },
  {
    name: 'slow-loris',
    does: 'Sends heads a byte at a time over 500 connections, and stops in the body over 500 others.',
    short: false,
    run: context => beside(context, () => attack(context, ['head', 'body'])),
  },
]
