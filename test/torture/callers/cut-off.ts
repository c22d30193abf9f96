/** Requests that end too early, or later than they said: never a 4xx, for which Twilio would throw the events away. */
import { messageStatus } from '../../support/twilio.ts'
import type { Context, Scenario } from '../scenario.ts'
import { beside, eachOf, Tally } from './beside.ts'
import { chunk, dial, head, whole } from './wire.ts'

const AT_ONCE = 20
const CUT_MS = 5_000

type Event = ReturnType<typeof messageStatus>
/** `text` is sent up to `cut`; `isWhole`: all that was signed is in it. */
type Broken = {
  readonly kind: string
  readonly text: string
  readonly cut: number
  readonly isWhole: boolean
}

function breakOne({ random, bridge: { origin } }: Context, events: readonly Event[]): Broken {
  const body = JSON.stringify(events)
  const cutIn = (kind: string, text: string): Broken => {
    const cut = random.integer(1, text.length - 1)
    return { kind, text, cut, isWhole: false }
  }
  switch (random.integer(0, 4)) {
    case 0:
      return cutIn('a body cut off', whole(origin, body))
    case 1: {
      const at = random.integer(1, body.length - 1)
      const chunks = `${chunk(body.slice(0, at))}${chunk(body.slice(at))}0\r\n\r\n`
      return cutIn('chunks cut off', head(origin, body, ['Transfer-Encoding: chunked']) + chunks)
    }
    case 2: {
      const length = body.length + random.integer(1, 1_000)
      const text = head(origin, body, [`Content-Length: ${length}`]) + body
      return { kind: 'a length too long', text, cut: text.length, isWhole: false }
    }
    case 3: {
      const length = body.length - random.integer(1, body.length)
      const text = head(origin, body, [`Content-Length: ${length}`]) + body
      return { kind: 'a length too short', text, cut: text.length, isWhole: false }
    }
    default: {
      const text = whole(origin, body) + '\0\x01 no request'.repeat(random.integer(1, 3))
      return { kind: 'noise after the body', text, cut: text.length, isWhole: true }
    }
  }
}

async function attack(context: Context, count: number): Promise<void> {
  const { bridge, ledger, random } = context
  const answers = new Tally()
  const again: Event[] = []

  async function once(): Promise<void> {
    const events = Array.from({ length: random.integer(1, 20) }, () => messageStatus())
    const { kind, text, cut, isWhole } = breakOne(context, events)
    const isReset = !isWhole && random.chance(0.5)
    context.fault(kind)
    using wire = await dial(bridge.origin)
    if (isWhole) ledger.sent(events)
    wire.socket.write(text.slice(0, cut), 'latin1')
    // A FIN may come with the bytes or after them; a reset would take back what was not yet sent.
    if (isReset || random.chance(0.5)) await context.sleep(random.integer(1, 30))
    if (isReset) wire.socket.resetAndDestroy()
    else wire.socket.end()
    const isClosed = await wire.closed(CUT_MS)
    const statuses = (await wire.answers(1, 0)).map(({ status }) => status)
    answers.add(`${kind}: ${isReset ? 'reset' : statuses.join(' ') || 'closed'}`)
    const [first, ...more] = statuses
    context.expect(isClosed, `${kind}: the line stays open`)
    if (isWhole && first === 200) ledger.acknowledged(events)
    else again.push(...events)
    const isRight = first === undefined || (isWhole ? first === 200 : first === 503)
    // The rest of a body that is longer than it said may be taken for a request, and is none.
    context.expect(isRight && more.length === 0, `${kind}, cut at ${cut} of ${text.length}: ${statuses}`)
  }

  await eachOf(Array.from({ length: count }), AT_ONCE, once)
  context.note(answers.toString())
  const { received } = await bridge.stats()
  // As Twilio does it: it has had no 2xx.
  await context.sender({ events: again, duplicates: 0 }).done
  const grown = (await bridge.stats()).received - received
  context.note(
    `${again.length} events that were cut off came again, ${grown} entries more with the honest ones`,
  )
  context.expect(grown >= again.length, `${again.length} events came again, only ${grown} were new`)
}

export const scenarios: readonly Scenario[] = [
  {
    name: 'cut-off',
    does: 'Cuts requests off at random points, with FIN and RST, and gives wrong lengths; then sends them again.',
    short: true,
    run: context => beside(context, () => attack(context, context.isLong ? 4_000 : 400)),
  },
]
