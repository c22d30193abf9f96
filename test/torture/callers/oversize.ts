/** Bodies over the limit, announced and not, up to a stream without end: 503 for a well-formed signature, and no memory for anybody. */
import { messageStatus, sendBody } from '../../support/twilio.ts'
import type { Context, Scenario } from '../scenario.ts'
import { beside, eachOf, Tally } from './beside.ts'
import { residentMiB, watchMemory } from './process.ts'
import { chunk, dial, head } from './wire.ts'

const LIMIT = 1_048_576
const STREAM_BYTES = 100_000_000
const PIECE = ' '.repeat(65_536)
const STREAMS = 12
/** Some bodies of the limit may be read at a time, and the sockets' buffers are not the process's. */
const MOST_GROWN_MIB = 160
/** 130 before, and what it may have grown: nothing makes a process collect that is idle again. Three times the streams leave no more. */
const AT_REST_MIB = 290
/** The answer, half a second in which the rest is thrown away, and a busy machine. */
const CUT_MS = 5_000

type Shape = {
  readonly kind: string
  readonly status: number
  readonly token?: string
  readonly announce: boolean
}
const shapes: readonly Shape[] = [
  { kind: 'announced, signed', status: 503, announce: true },
  { kind: 'announced, forged', status: 503, announce: true, token: 'another token' },
  { kind: 'in chunks, signed', status: 503, announce: false },
  { kind: 'in chunks, forged', status: 503, announce: false, token: 'another token' },
]

async function stream(context: Context, { kind, status, announce, ...token }: Shape, answers: Tally) {
  const length = announce ? `Content-Length: ${STREAM_BYTES}` : 'Transfer-Encoding: chunked'
  using wire = await dial(context.bridge.origin)
  const { socket } = wire
  context.fault(`100 MB ${kind}`)
  socket.write(head(context.bridge.origin, '', [length], token))
  let given = 0
  const startedAt = performance.now()
  while (
    given < STREAM_BYTES &&
    !socket.destroyed &&
    !wire.isOver &&
    performance.now() - startedAt < CUT_MS
  ) {
    if (socket.writableLength < 4 * PIECE.length) {
      const piece = PIECE.slice(0, STREAM_BYTES - given)
      socket.write(announce ? piece : chunk(piece))
      given += piece.length
    } else await context.sleep(1)
  }
  // On a fast machine all that was announced comes within the half second: then it is a whole request, and the line may stay.
  const isWhole = announce && given === STREAM_BYTES
  const isClosed = await wire.closed(isWhole ? 0 : CUT_MS)
  const statuses = (await wire.answers(1, isWhole ? CUT_MS : 0)).map(answer => answer.status)
  answers.add(`${kind}: ${statuses.join(' ') || 'closed'}`)
  context.expect(isClosed || isWhole, `100 MB ${kind}: the line stays open`)
  context.expect(statuses.length <= 1 && (statuses[0] ?? status) === status, `100 MB ${kind}: ${statuses}`)
}

async function attack(context: Context): Promise<void> {
  const { bridge, ledger } = context
  const event = messageStatus()
  ledger.sent([event])
  const full = await sendBody(bridge.webhook, JSON.stringify([event]).padEnd(LIMIT))
  context.expect(full.status === 200, `a body of exactly the limit was answered ${full.status}`)
  if (full.status === 200) ledger.acknowledged([event])
  context.fault('one byte too many')
  const over = await sendBody(bridge.webhook, JSON.stringify([messageStatus()]).padEnd(LIMIT + 1))
  context.expect(over.status === 503, `one byte over the limit was answered ${over.status}`)

  const before = residentMiB(bridge.pid)
  using memory = watchMemory(bridge.pid)
  const answers = new Tally()
  const streams = Array.from({ length: context.isLong ? 3 * STREAMS : STREAMS }, (_, at) => at)
  await eachOf(streams, STREAMS, async at => {
    const shape = shapes[at % shapes.length]
    if (shape) await stream(context, shape, answers)
  })
  const grown = memory.peakMiB - before
  context.note(`${answers}; ${grown} MiB more at most, and ${AT_REST_MIB} MiB allowed at rest`)
  context.expect(grown < MOST_GROWN_MIB, `bodies of 100 MB made the process grow by ${grown} MiB`)
}

export const scenarios: readonly Scenario[] = [
  {
    name: 'oversize',
    does: 'Sends bodies of the limit and a byte more, and streams of 100 MB, announced and in chunks, signed and forged.',
    short: true,
    async run(context) {
      await beside(context, () => attack(context))
      return { memoryMiB: AT_REST_MIB }
    },
  },
]
