/** The guided demo: signed events through a real webhook into a fake Segment, then a page to explore. Leaves nothing behind. */
import { setTimeout as sleep } from 'node:timers/promises'
import { toSample } from '../send/samples.ts'
import { CliError, type ExitCode, type Terminal } from '../terminal.ts'
import { type DemoBridge, type DemoStats, startDemoBridge } from './bridge.ts'
import { type FakeSegment, startFakeSegment } from './segment.ts'
import { toHeading, toRows } from './show.ts'

const ARRIVE_WITHIN_MS = 15_000
const LOOK_EVERY_MS = 50
const CUSTOMER = '+15550100199'
const message = 'com.twilio.messaging.message'

const stories = [
  { what: 'an SMS was sent', type: `${message}.sent`, customer: CUSTOMER },
  { what: 'an SMS was delivered', type: `${message}.delivered`, customer: CUSTOMER },
  { what: 'a WhatsApp message was read', type: `${message}.read`, customer: `whatsapp:${CUSTOMER}` },
  { what: 'an SMS failed', type: `${message}.failed`, customer: '+15550100142' },
  {
    what: 'a customer wrote back',
    type: 'com.twilio.messaging.inbound-message.received',
    customer: CUSTOMER,
  },
  {
    what: 'a call ended',
    type: 'com.twilio.voice.status-callback.call.completed',
    customer: CUSTOMER,
  },
] as const

export type DemoOptions = { readonly once?: boolean; readonly port: number }

export function createDemo(
  terminal: Pick<Terminal, 'out' | 'say'>,
  interrupted: AbortSignal,
): (options: DemoOptions) => Promise<ExitCode> {
  const { out, say } = terminal
  const heading = (text: string) => out(toHeading(text))

  return async ({ once = false, port }) => {
    const segment = await startFakeSegment()
    try {
      say('  Starting the bridge on an empty data folder…')
      const bridge = await startDemoBridge(segment.url, port)
      try {
        await tell(bridge, segment)
        if (!once && !interrupted.aborted) await explore(bridge)
      } finally {
        await bridge.stop()
      }
    } finally {
      segment.close()
    }
    return 0
  }

  async function tell(bridge: DemoBridge, segment: FakeSegment): Promise<void> {
    heading('started')
    out(`  the bridge        ${bridge.webhook}   (accepts signed events only)`)
    out(`  the fake Segment  ${segment.url}/v1/batch`)
    out(`  the data folder   ${bridge.dataDir}   (removed at the end)`)

    say(`  Sending ${stories.length} signed events and waiting until Segment has them…`)
    const samples = stories.map(story => ({ ...story, event: toSample(story.type, story) }))
    const send = (events: readonly unknown[], token = bridge.authToken) =>
      bridge.send(JSON.stringify(events), token)
    for (const { event } of samples) await send([event])
    await until(() => segment.tracks.size === samples.length, interrupted)
    if (interrupted.aborted) return
    if (segment.tracks.size < samples.length)
      throw new CliError(
        `Only ${segment.tracks.size} of ${samples.length} events reached the fake Segment within ${ARRIVE_WITHIN_MS / 1_000} s.`,
      )
    for (const { what, event, customer } of samples) {
      heading(what)
      for (const row of toRows(event, customer, segment.tracks.get(event.id))) out(row)
    }

    heading('what else arrived at the webhook')
    const forged = await send([toSample(`${message}.sent`)], 'not-the-token')
    out(`  a wrong signature           → ${forged}: nothing stored; Twilio retries, a notice says why`)
    const stranger = await bridge.send('[]', undefined)
    out(`  no signature at all         → ${stranger}: not Twilio`)
    const broken = await bridge.send('{"specversion":"1.0","type":', bridge.authToken)
    out(`  a body that is not JSON     → ${broken}: stored as a dead letter (rejected: body_not_json)`)
    const test = await send([toSample('com.twilio.eventstreams.test-event')])
    out(`  the sink's own test event   → ${test}: stored, not sent (skipped: sink_test)`)
    const twice = await send([samples[0]?.event])
    out(`  the first event once more   → ${twice}: a duplicate, not sent again`)
    // After the forged one, so that the bridge is left as it should be: accepting, nothing failing.
    const good = await send([toSample(`${message}.delivered`)])
    out(`  another signed event        → ${good}: everything is in order again`)

    const { received, duplicates, ...states } = await settle(bridge, samples.length + 1)
    heading('the account: every event in exactly one state')
    const { pending, accepted, rejected, refused, skipped } = states
    out(
      `  received ${received} = pending ${pending} + accepted ${accepted} + rejected ${rejected} + refused ${refused} + skipped ${skipped}`,
    )
    out(`  duplicates, counted separately: ${duplicates}`)
  }

  /** Until everything is delivered and no notice is open. */
  async function settle(bridge: DemoBridge, total: number): Promise<DemoStats> {
    let stats = await bridge.stats()
    await until(async () => {
      stats = await bridge.stats()
      const isCalm = Object.values(stats.notices).every(({ open }) => open.length === 0)
      return stats.accepted === total && stats.pending === 0 && isCalm
    }, interrupted)
    return stats
  }

  async function explore({ url, adminToken, authToken, dataDir, failed }: DemoBridge): Promise<void> {
    heading('explore')
    out(`  the debugger page   ${url}/debugger/#token=${adminToken}`)
    out('    each event as Twilio sent it, as Segment received it, every attempt; the dead letter, and why')
    out('')
    const { port } = new URL(url)
    const settings = `TWILIO_AUTH_TOKEN=${authToken} PORT=${port} DATA_DIR=${dataDir}`
    out(`  more events         ${settings} npx twilio-segment-bridge send --rate 2 --for 5m`)
    out(`  every event         curl -H "Authorization: Bearer ${adminToken}" ${url}/api/events`)
    out(`  the metrics         curl -H "Authorization: Bearer ${adminToken}" ${url}/metrics`)
    out('\nServing until Ctrl-C.')
    const ended = sleep(2 ** 31 - 1, undefined, { signal: interrupted }).catch(() => undefined)
    const error = await Promise.race([failed, ended])
    if (error) throw new CliError(error.message)
  }
}

async function until(holds: () => boolean | Promise<boolean>, interrupted: AbortSignal): Promise<void> {
  const end = performance.now() + ARRIVE_WITHIN_MS
  while (!(await holds()) && performance.now() < end && !interrupted.aborted) await sleep(LOOK_EVERY_MS)
}
