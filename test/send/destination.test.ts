/** Every destination there is, by one suite; and which of them the settings mean. */
import { expect, test } from 'vitest'
import { toDestinationConfigs } from '../../src/config/destinations.ts'
import { toMapping } from '../../src/event/mapping.ts'
import { keyedHash } from '../../src/hosts/node/digests.ts'
import type { Destination } from '../../src/send/destination.ts'
import { createDestination } from '../../src/send/destinations.ts'
import { toSettings } from '../support/bridge.ts'
import { registerDestinationContract } from '../support/destination-contract.ts'
import { neverAborted } from '../support/dispatcher.ts'
import { startSegment } from '../support/segment.ts'
import { authToken, messageStatus } from '../support/twilio.ts'

async function open(
  settings: Record<string, string>,
  showDryRun: (lines: string) => void,
): Promise<Destination> {
  const host = { keyedHash, send: fetch, now: Date.now, showDryRun }
  const read = toSettings({ TWILIO_AUTH_TOKEN: authToken, ...settings })
  const [config] = toDestinationConfigs(read)
  if (!config) throw new Error('no destination')
  return createDestination(config, toMapping(read), () => '', host)
}

registerDestinationContract('Segment', async () => {
  const segment = await startSegment()
  const settings = { SEGMENT_WRITE_KEY: 'key', SEGMENT_HOST: segment.url }
  return {
    destination: await open(settings, () => undefined),
    received: () => segment.events.map(({ messageId }) => messageId),
    hang() {
      segment.fail({ kind: 'hang' })
      return segment.waitFor(({ requests }) => requests.length > 0)
    },
    [Symbol.asyncDispose]: () => segment.close(),
  }
})

registerDestinationContract('dry run', openDryRun, { waits: false })

async function openDryRun() {
  let lines = ''
  return {
    destination: await open({}, more => {
      lines += more
    }),
    received: () =>
      lines
        .split('\n')
        .filter(Boolean)
        .map(line => JSON.parse(line).messageId),
    [Symbol.asyncDispose]: async () => undefined,
  }
}

test('[DP12] without a write key it is the dry run, which shows what Segment would get and reaches nobody', async () => {
  await using segment = await startSegment()
  const event = { element: messageStatus(), receivedAt: 1 }
  const shown: string[] = []
  const show = (lines: string) => void shown.push(lines)
  const dryRun = await open({ SEGMENT_HOST: segment.url }, show)
  const real = await open({ SEGMENT_HOST: segment.url, SEGMENT_WRITE_KEY: 'key' }, show)
  expect([dryRun.name, dryRun.taken]).toEqual(['segment', { state: 'skipped', reason: 'dry_run' }])
  expect([real.name, real.taken]).toEqual(['segment', { state: 'accepted' }])
  const mapped = dryRun.map(event)
  expect(mapped).toEqual(real.map(event))
  if (!mapped.ok) throw new Error(mapped.reason)
  await dryRun.deliver([mapped.message, mapped.message], neverAborted)
  const line = `${JSON.stringify(mapped.message.content)}\n`
  expect([shown, segment.requests]).toEqual([[line + line], []])
})
