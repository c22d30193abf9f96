/** Requests with two meanings: each is answered once or cut off, and nothing hidden in one is ever understood. */
import type { Context, Scenario } from '../scenario.ts'
import { beside, eachOf, Tally } from './beside.ts'
import { readExport } from './export.ts'
import { type Case, toCases } from './smuggling-cases.ts'
import { dial } from './wire.ts'

const AT_ONCE = 8
/** What comes late would be a second answer. */
const QUIET_MS = 150
const PIECE_MS = 3

/** In one go, or in pieces: a parser that stops between two of them meets other paths. */
async function send(context: Context, { name, bytes, answers, honest, hidden }: Case, pieces: number) {
  const { bridge, ledger, expect } = context
  using wire = await dial(bridge.origin)
  ledger.sent(honest)
  const size = Math.ceil(bytes.length / pieces)
  for (let at = 0; at < bytes.length && !wire.isOver; at += size) {
    wire.socket.write(bytes.slice(at, at + size), 'latin1')
    if (pieces > 1) await context.sleep(PIECE_MS)
  }
  await wire.answers(answers.length || 1, 2_000)
  await context.sleep(QUIET_MS)
  const statuses = (await wire.answers(1, 0)).map(({ status }) => status)
  const what = `${name}, in ${pieces} piece${pieces > 1 ? 's' : ''}: answered ${statuses.join(' ') || 'nothing'}`

  const taken = statuses.filter(status => status === 200).length
  if (taken === honest.length) ledger.acknowledged(honest)
  // Behind a whole request, noise that comes when that is answered already is refused like any other.
  const isWhole = honest.length > 0 && hidden.length > 0 && pieces > 1
  const allowed = isWhole ? [...answers, [400]] : answers
  const isRight = statuses.every((status, at) => allowed[at]?.includes(status))
  expect(isRight, `${what}, not ${answers.map(each => each.join(' or ')).join(', ')}`)
  // The line is closed on noise that still comes, and the answer before it may go down with it: not at all is right too.
  const isOwed = honest.length > 0 && taken < honest.length && !(isWhole && wire.isOver)
  expect(!isOwed, `${what}; an honest request got no 200`)
  expect(wire.isOver || statuses.length > 0, `${what}, and the line stays open`)
  return statuses.join(' ') || 'closed'
}

async function attack(context: Context): Promise<void> {
  const { bridge } = context
  const answers = new Tally()
  const hidden: string[] = []
  for (const pieces of context.isLong ? [1, 2, 7, 40] : [1, 7]) {
    const cases = toCases(bridge.origin)
    hidden.push(...cases.flatMap(each => each.hidden.map(({ id }) => id)))
    await eachOf(context.random.shuffled(cases), AT_ONCE, async each => {
      context.fault('shape with two meanings')
      answers.add(await send(context, each, pieces))
    })
  }
  context.note(`answers: ${answers}`)
  const kept = new Set((await readExport(bridge)).flatMap(({ event }) => event?.id ?? []))
  const understood = hidden.filter(id => kept.has(id))
  context.note(`${hidden.length} hidden requests, ${understood.length} of them understood`)
  context.expect(understood.length === 0, `${understood.length} hidden requests were understood`)
}

export const scenarios: readonly Scenario[] = [
  {
    name: 'smuggling',
    does: 'Sends the shapes of request smuggling, signed, whole and in pieces, with a signed request hidden in each.',
    short: true,
    run: context => beside(context, () => attack(context)),
  },
]
