/** Who a participant is, asked of Twilio after the callback: each event is completed once, and never lost. */
import { expect, it } from 'vitest'
import { startBridge } from '../support/bridge.ts'
import { listEvents, someNotices, toHosted } from '../support/hosts.ts'
import { until } from '../support/patience.ts'
import { postCallback, proxyCallback } from '../support/proxy-callbacks.ts'
import { startSegment } from '../support/segment.ts'
import { accountSid } from '../support/twilio.ts'
import { startTwilioProxyApi } from '../support/twilio-proxy-api.ts'

async function open(change: Readonly<Record<string, string>> = {}) {
  const api = await startTwilioProxyApi()
  const segment = await startSegment()
  const environment = {
    SEGMENT_WRITE_KEY: 'key',
    SEGMENT_HOST: segment.url,
    TWILIO_ACCOUNT_SID: accountSid,
    ...change,
  }
  const bridge = await startBridge(environment, api.send)
  const session = api.addSession(api.addService().sid)
  const ann = api.addParticipant(session, '+15551230001')
  const bob = api.addParticipant(session, 'whatsapp:+15551230002')
  const say = () => api.interact(session, ann, bob)
  const call = (interaction: object) => postCallback(`${bridge.origin}/webhooks/proxy`, proxyCallback({ ...interaction }))
  const end = async () => {
    await bridge.stop()
    await segment.close()
    await api[Symbol.asyncDispose]()
  }
  return { api, segment, bridge, session, ann, bob, say, call, [Symbol.asyncDispose]: end }
}
