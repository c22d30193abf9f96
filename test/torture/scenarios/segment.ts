/** Segment: everything its stand-in can do wrong, for longer than any retry limit. */
import type { Fault } from '../../support/segment-faults.ts'
import { passTime } from '../clock.ts'
import type { Context, Scenario } from '../scenario.ts'

const MINUTE_MS = 60_000
const status = (code: number, more = {}): Fault => ({ kind: 'status', status: code, ...more })

const faults: readonly (readonly [name: string, fault: Fault])[] = [
  ...[408, 410, 422, 460, 500, 502, 503, 504].map(code => [String(code), status(code)] as const),
  ...[401, 403, 404].map(code => [String(code), status(code)] as const),
  ['301', status(301, { headers: { location: 'http://127.0.0.1:9/' } })],
  ['304', status(304)],
  ['400', status(400, { body: 'Bad Request\n' })],
  ['400 about the write key', status(400, { body: '{"message":"An invalid write key was provided"}' })],
  ['413', status(413)],
  ['429, 1 s', { kind: 'throttle', retryAfter: 1 }],
  ['429, an hour', { kind: 'throttle', retryAfter: 3_600 }],
  ['503 with Retry-After', status(503, { headers: { 'retry-after': '120' } })],
  ['slow answer', { kind: 'slow', ms: 1_500 }],
  ['late answer', { kind: 'late', ms: 1_500 }],
  ['answer after the time-out', { kind: 'late', ms: 11_000 }],
  ['events taken after the time-out', { kind: 'slow', ms: 11_000 }],
  ['no answer', { kind: 'hang' }],
  ['cut before', { kind: 'reset-before' }],
  ['cut after it took them', { kind: 'reset-after' }],
  ['cut after it read them', { kind: 'refuse-after' }],
  ['noise with 200', { kind: 'garbage', status: 200 }],
  ['noise with 500', { kind: 'garbage', status: 500 }],
]
const flaps = [
  { kind: 'status', status: 503 },
  { kind: 'status', status: 500 },
  { kind: 'reset-after' },
  { kind: 'throttle', retryAfter: 1 },
] as const
const inShort = new Set(['503', '401', '400', '429, an hour', 'cut after it took them', 'noise with 200'])

/** With events coming in; a pause of minutes is passed by the clock, as an operator's lunch would pass it. */
async function suffer(context: Context, [name, fault]: (typeof faults)[number]): Promise<void> {
  const { bridge, segment, clock, until, say } = context
  say(name)
  const sender = context.sender({ events: context.events(200), lanes: 2, batch: [1, 40] })
  segment.fail(fault)
  context.fault(name)
  const since = Date.now()
  const isMet = () => segment.requests.some(({ at }) => at >= since)
  await sender.done
  await until(`${name} was met`, async () => isMet() && isResting(await bridge.stats()), 40_000)
  // A receiver healed amid a halving would look like one that refuses a few events: let that come to its pause.
  const isPaused = async () =>
    Date.parse((await bridge.stats()).delivery.nextAttemptAt ?? '') > clock.now() + MINUTE_MS
  if (/^4(00$|13)/.test(name)) await until('the line pauses', isPaused, 40_000)
  segment.heal()
  await passTime(context)
}

function isResting({ pending, delivery }: Awaited<ReturnType<Context['bridge']['stats']>>): boolean {
  return pending === 0 || delivery.nextAttemptAt !== null
}

export const eachFault: Scenario = {
  name: 'segment-each-fault',
  does: 'Every fault of the stand-in for Segment in turn, each until it was met twice, and healed.',
  short: true,
  timeoutSeconds: 900,
  async run(context) {
    const { bridge, clock, isLong } = context
    await bridge.start({}, { clockFile: clock.file })
    for (const fault of faults.filter(([name]) => isLong || inShort.has(name))) await suffer(context, fault)
    return { leastNotices: 1 }
  },
}

export const flapping: Scenario = {
  name: 'segment-flapping',
  does: 'Segment takes two requests, then cuts, throttles or refuses three, all the time.',
  short: true,
  timeoutSeconds: 400,
  async run(context) {
    const { bridge, segment, clock, isLong, random, sleep } = context
    await bridge.start({}, { clockFile: clock.file })
    const sender = context.sender({ events: context.events(isLong ? 12_000 : 4_000), paceMs: 150 })
    let isSending = true
    void sender.done.then(() => (isSending = false))
    while (isSending) {
      const bad = random.of(flaps)
      segment.fail({ kind: 'flap', ok: 2, down: 3, bad })
      context.fault('kind of flapping')
      await sleep(4_000)
      clock.jump(5 * MINUTE_MS)
    }
    segment.heal()
    await passTime(context)
    return { leastNotices: 1 }
  },
}

export const away: Scenario = {
  name: 'segment-away',
  does: 'Segment cuts every connection for longer than any retry limit: a minute of real time, 15 hours by the clock.',
  short: false,
  timeoutSeconds: 400,
  async run(context) {
    const { bridge, segment, clock, isLong, fault, say, sleep, until } = context
    await bridge.start({}, { clockFile: clock.file })
    segment.fail({ kind: 'reset-before' })
    const sender = context.sender({ events: context.events(isLong ? 10_000 : 2_000) })
    await sender.done
    for (let time = 0; time < 5; time++) {
      say(`${time * 3} hours`)
      await sleep(isLong ? 12_000 : 2_000)
      clock.jump(180 * MINUTE_MS)
      fault('three hours away')
      const before = segment.stats.requests
      await until('it tries again', async () => (await bridge.stats()) && segment.stats.requests > before)
    }
    segment.heal()
    await passTime(context)
    return { leastNotices: 1 }
  },
}

export const poison: Scenario = {
  name: 'segment-poison',
  does: 'One event in each request is poison: Segment answers 400 to every body that holds it. It alone is refused.',
  short: true,
  timeoutSeconds: 300,
  async run(context) {
    const { bridge, segment, isLong } = context
    const poisons = new Set<string>()
    segment.fail({ kind: 'poison', messageIds: id => poisons.has(id) })
    await bridge.start()
    // One lane a request, so that each request surely holds one.
    const senders = Array.from({ length: isLong ? 60 : 25 }, () => {
      const events = context.events(40)
      const [bad] = events
      if (bad) poisons.add(bad.id)
      context.fault('poison event')
      return () =>
        context.sender({
          ...{ events, batch: [40, 40], lanes: 1 },
          fateOf: ({ id }) => (poisons.has(id) ? 'refused' : 'accepted'),
        }).done
    })
    for (const send of senders) await send()
    return { leastNotices: 1 }
  },
}
