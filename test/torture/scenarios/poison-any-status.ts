/** A2: what stands between the bridge and Segment always answers one event with an error, whichever. */
import type { Fault } from '../../support/segment-faults.ts'
import type { Scenario } from '../scenario.ts'

const MARK = "' OR 1=1 --"
type Bad = Extract<Fault, { kind: 'text' }>['bad']

const ways: readonly (readonly [name: string, bad: Bad, inShort: boolean])[] = [
  ['500', { kind: 'status', status: 500 }, false],
  ['403', { kind: 'status', status: 403 }, true],
  ['reset', { kind: 'reset-before' }, false],
  ...[301, 401, 404, 422, 429, 503].map(
    status => [String(status), { kind: 'status', status }, false] as const,
  ),
  ['log-in page', { kind: 'pretend', status: 200, body: '<!doctype html>Sign in' }, false],
  ['no answer', { kind: 'hang' }, false],
]

export const poisonAnyStatus: Scenario = {
  name: 'poison-any-status',
  does: 'One event is always answered 500, 403, with a reset or with nothing, wherever it stands: its neighbours and all later events arrive, it is held back, and goes once its way is free.',
  short: true,
  timeoutSeconds: 400,
  async run(context) {
    const { bridge, segment, random, isLong, say, until, fault } = context
    await bridge.start()
    let accepted = 0
    const send = async (events: ReturnType<typeof context.events>) => {
      await context.sender({ events, lanes: 1, duplicates: 0 }).done
    }
    const untilHeld = (held: number) =>
      until(
        `${held} are held back, and ${accepted} accepted`,
        async () => {
          const stats = await bridge.stats()
          return stats.held === held && stats.pending === held && stats.accepted === accepted
        },
        60_000,
      )
    const chosen = ways.filter(([, , inShort]) => isLong || inShort)
    for (const [index, [name, bad]] of chosen.entries()) {
      say(name)
      // A mark of its own, for the orders of the ways before it stand as well.
      const text = `${MARK} ${name}.`
      segment.fail({ kind: 'text', text, bad })
      fault(`poison: ${name}`)
      const neighbours = context.events(60)
      const at = random.integer(0, neighbours.length)
      await send(neighbours.toSpliced(at, 0, ...context.events(1, { body: text })))
      accepted += neighbours.length
      await untilHeld(index + 1)
      await send(context.events(30))
      accepted += 30
      await untilHeld(index + 1)
    }
    segment.heal()
    await bridge.api('/api/deliver-now', { method: 'POST' })
    return { leastNotices: 1 }
  },
}
