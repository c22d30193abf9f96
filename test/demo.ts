/**
 * The guided demo: a bridge on a fresh data folder, a fake Segment, and a few signed events through the real webhook.
 * `--once` ends it when the samples have arrived: exit 0, or 1 when they did not.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Bridge } from './support/bridge.ts'
import type { TrackCall } from './support/segment.ts'

const ARRIVE_WITHIN_MS = 15_000
const once = process.argv.includes('--once')
const say = (text = '') => process.stdout.write(`${text}\n`)
const heading = (text: string) => say(`\n── ${text} ${'─'.repeat(Math.max(0, 76 - text.length))}`)

/** What takes a second or more says so before it begins; the modules themselves do on a small machine. */
const step = (text: string) => process.stderr.write(`  ${text}…\n`)
step('Loading the bridge')
const { startBridge } = await import('./support/bridge.ts')
const { startSegment } = await import('./support/segment.ts')
const { inboundMessage, messageStatus, sendBody, sendEvents, sinkTest } = await import('./support/twilio.ts')

const customer = '+15550100199'
const samples = [
  { what: 'an SMS was sent', event: messageStatus({ type: 'sent', to: customer }) },
  { what: 'an SMS was delivered', event: messageStatus({ type: 'delivered', to: customer }) },
  { what: 'a WhatsApp message was read', event: messageStatus({ type: 'read', to: `whatsapp:${customer}` }) },
  {
    what: 'an SMS failed',
    event: messageStatus({ type: 'failed', to: '+15550100142', data: { errorCode: 30005 } }),
  },
  { what: 'a customer wrote back', event: inboundMessage({ to: customer }) },
] as const

async function main(): Promise<number> {
  step('Starting a fake Segment')
  const segment = await startSegment()
  step('Starting the bridge on an empty data folder')
  const bridge = await startBridge({
    SEGMENT_WRITE_KEY: 'demo-write-key',
    SEGMENT_HOST: segment.url,
    LOG_LEVEL: 'error',
    PORT: process.env.PORT ?? '0',
  })
  try {
    heading('started')
    say(`  the bridge        ${bridge.webhook}   (accepts signed events only)`)
    say(`  the fake Segment  ${segment.url}/v1/batch`)
    say(`  the outbox        ${bridge.dataDir}/outbox.db   (fresh, removed at the end)`)

    step(`Sending ${samples.length} signed events, one request each, and waiting until Segment has them`)
    for (const { event } of samples) await sendEvents(bridge.webhook, [event])
    const arrived = segment.waitFor(samples.length, ARRIVE_WITHIN_MS).then(
      () => true,
      () => false,
    )
    if (!(await arrived)) {
      say(
        `\nOnly ${segment.events.length} of ${samples.length} sample events reached the fake Segment within ${ARRIVE_WITHIN_MS / 1_000} s.`,
      )
      return 1
    }
    for (const { what, event } of samples)
      show(
        what,
        event,
        segment.events.find(track => track.messageId === event.id),
      )

    heading('what else arrived at the webhook')
    const forged = await sendEvents(bridge.webhook, [messageStatus()], { token: 'not-the-token' })
    say(`  a wrong signature           → ${forged.status}: nothing stored; Twilio retries, a notice says why`)
    const stranger = await fetch(bridge.webhook, { method: 'POST', body: '[]' })
    say(`  no signature at all         → ${stranger.status}: not Twilio`)
    const broken = await sendBody(bridge.webhook, '{"specversion":"1.0","type":')
    say(`  a body that is not JSON     → ${broken.status}: stored as a dead letter (rejected: body_not_json)`)
    const test = await sendEvents(bridge.webhook, [sinkTest()])
    say(`  the sink's own test event   → ${test.status}: stored, not sent (skipped: sink_test)`)
    const twice = await sendEvents(bridge.webhook, [samples[0].event])
    say(`  the first event once more   → ${twice.status}: a duplicate, not sent again`)
    // After the forged one, so that the bridge is left as it should be: accepting, nothing failing.
    const last = messageStatus({ type: 'delivered', to: customer })
    const good = await sendEvents(bridge.webhook, [last])
    say(`  another signed event        → ${good.status}: everything is in order again`)
    const total = samples.length + 1
    await segment.waitFor(total, ARRIVE_WITHIN_MS)
    await bridge.until(
      ({ accepted, pending, notices }) =>
        accepted === total && pending === 0 && Object.values(notices).every(({ open }) => open.length === 0),
      ARRIVE_WITHIN_MS,
    )

    const { received, duplicates, pending, accepted, rejected, refused, skipped } = await bridge.stats()
    heading('the account: every event in exactly one state')
    say(
      `  received ${received} = pending ${pending} + accepted ${accepted} + rejected ${rejected} + refused ${refused} + skipped ${skipped}`,
    )
    say(`  duplicates, counted separately: ${duplicates}`)
    if (once) return 0
    await serveOn(bridge)
    return 0
  } finally {
    await bridge[Symbol.asyncDispose]()
    await segment.close()
  }
}

type Sample = (typeof samples)[number]['event']

function show(what: string, event: Sample, track: TrackCall | undefined): void {
  heading(what)
  const rows: [string, string, unknown][] = [
    ['type', event.type, track?.event],
    ['id', event.id, `messageId ${track?.messageId}`],
    // Segment keeps what it was sent as originalTimestamp.
    ['time', event.time, `timestamp ${track?.originalTimestamp}`],
    ['customer', 'messageStatus' in event.data ? event.data.to : event.data.from, toExternalIds(track)],
    [
      'data',
      `${Object.keys(event.data).length} fields`,
      `properties, ${Object.keys(track?.properties ?? {}).length} fields`,
    ],
  ]
  say(`  ${''.padEnd(9)} ${'Twilio sent'.padEnd(46)} Segment received`)
  for (const [name, sent, got] of rows) say(`  ${name.padEnd(9)} ${sent.padEnd(46)} ${got}`)
}

function toExternalIds(track: TrackCall | undefined): string {
  const ids = track?.context.externalIds
  return Array.isArray(ids) ? ids.map(({ type, id }) => `externalId ${type} ${id}`).join(', ') : '(none)'
}

async function serveOn({ origin, adminToken }: Bridge): Promise<void> {
  heading('explore')
  say(`  the debugger page   ${origin}/debugger/#token=${adminToken}`)
  say(
    '    each of the events above: as Twilio sent it, as Segment received it, every attempt, the dead letter and why',
  )
  say()
  const curl = `curl -H "Authorization: Bearer ${adminToken}"`
  say(`  every event         ${curl} ${origin}/api/events`)
  say(`  the metrics         ${curl} ${origin}/metrics`)
  say(`  the notices         ${curl} ${origin}/api/notices`)
  say('\nServing until Ctrl-C.')
  const stop = new AbortController()
  // On, not once: a group and a launcher may both send it, and the second must not cut the tidying short.
  process.on('SIGINT', () => stop.abort())
  process.on('SIGTERM', () => stop.abort())
  await sleep(2 ** 31 - 1, undefined, { signal: stop.signal }).catch(() => undefined)
  say()
}

process.exit(await main())
