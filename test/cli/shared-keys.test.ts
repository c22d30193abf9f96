/** Commands that call a webhook as Twilio would, where SharedKeys are all there is to sign with; and their patience with 503. */
import { expect, it } from 'vitest'
import { checkPublicUrl } from '../../src/cli/check/public-url.ts'
import { post, twilioManners } from '../../src/cli/send/post.ts'
import { toTarget } from '../../src/cli/send/target.ts'
import { startBridge, toSettings } from '../support/bridge.ts'
import { openWorkplace } from '../support/replay.ts'
import { startSegment } from '../support/segment.ts'
import { messageStatus } from '../support/twilio.ts'

const environment = { TWILIO_AUTH_TOKEN: '', TWILIO_SHARED_KEYS: 'k1=the=secret,k2=another' }
const ndjson = (events: readonly unknown[]) => events.map(event => `${JSON.stringify(event)}\n`).join('')

it('[SE80] send, check and replay --to sign with the first SharedKey', async () => {
  const segment = await startSegment()
  const settings = { SEGMENT_WRITE_KEY: 'key', SEGMENT_HOST: segment.url }
  await using bridge = await startBridge({ ...settings, ...environment })
  const own = toSettings({ ...environment, PUBLIC_URL: bridge.webhook })

  const manners = { ...twilioManners, retryForMs: 0 }
  const target = toTarget(own, { to: bridge.webhook }, false)
  const body = JSON.stringify([messageStatus()])
  const sent = await post(target, body, manners, new AbortController().signal, () => undefined)
  expect(sent).toMatchObject({ fate: 'acknowledged', last: { status: 200 } })

  const findings = await checkPublicUrl(own, undefined)
  expect(findings.filter(({ name }) => name === 'webhook')).toMatchObject([{ state: 'ok' }])
  const wrongSecret = { ...own, TWILIO_SHARED_KEYS: [{ id: 'k1', secret: 'old' }] }
  const [mismatch] = (await checkPublicUrl(wrongSecret, undefined)).filter(({ state }) => state === 'wrong')
  expect(mismatch).toMatchObject({
    detail: expect.stringContaining('the secret of the SharedKey differs'),
    remedy: expect.stringContaining('Set TWILIO_SHARED_KEYS'),
  })
  const unknown = { ...own, TWILIO_SHARED_KEYS: [{ id: 'k9', secret: 'old' }] }
  const [stranger] = (await checkPublicUrl(unknown, undefined)).filter(({ state }) => state === 'wrong')
  expect(stranger?.detail).toContain('"k9"')

  using place = openWorkplace()
  const path = place.file('events.ndjson', ndjson([messageStatus(), messageStatus()]))
  expect(await place.replayed(['--to', bridge.origin, path], { environment })).toMatchObject({
    code: 0,
    sent: 2,
  })
  expect((await bridge.stats()).received).toBe(3)
  await bridge.stop()
  await segment.close()
})

it('[RP100] replay --to leaves out what an export kept of a damaged row: it is no event', async () => {
  const segment = await startSegment()
  await using bridge = await startBridge({ SEGMENT_WRITE_KEY: 'key', SEGMENT_HOST: segment.url })
  using place = openWorkplace()
  const receivedAt = '2026-11-22T00:00:00.000Z'
  const lost = {
    bridge: 1,
    state: 'rejected',
    reason: 'unreadable',
    receivedAt,
    raw: 'KLUv/SAB',
    encoding: 'base64',
  }
  const path = place.file('export.ndjson', ndjson([lost, { ...lost, raw: '' }, messageStatus()]))
  expect(await place.replayed(['--to', bridge.origin, path])).toMatchObject({ code: 0, sent: 1, leftOut: 2 })
  expect(await bridge.stats()).toMatchObject({ received: 1, rejected: 0 })
  await bridge.stop()
  await segment.close()
})

it('[RP11] a request over the limit of the other bridge is halved at once, though the answer is 503', async () => {
  const segment = await startSegment()
  const settings = { SEGMENT_WRITE_KEY: 'key', SEGMENT_HOST: segment.url, MAX_BODY_BYTES: '2000' }
  await using bridge = await startBridge(settings)
  using place = openWorkplace()
  const path = place.file('events.ndjson', ndjson(Array.from({ length: 9 }, () => messageStatus())))
  expect(await place.replayed(['--to', bridge.origin, path])).toMatchObject({ code: 0, sent: 9 })
  expect((await bridge.stats()).received).toBe(9)

  const large = place.file('large.ndjson', ndjson([messageStatus({ data: { body: 'x'.repeat(2_000) } })]))
  const { code, said } = await place.replay(['--to', bridge.origin, large])
  expect(code).not.toBe(0)
  expect(said).toContain('Raise MAX_BODY_BYTES there')
  await bridge.stop()
  await segment.close()
})
