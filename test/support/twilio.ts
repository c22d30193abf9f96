/** Sends events to the bridge's door as Twilio's webhook sink does: signed, with the hash of the body in the query. */
import { createHash, createHmac, randomBytes } from 'node:crypto'
import { PATIENCE_MS } from './patience.ts'

export const authToken = '0'.repeat(32)
export const accountSid = `AC${'0'.repeat(32)}`

export type SendOptions = {
  /** What Twilio believes it calls, when that differs from `url`. */
  readonly publicUrl?: string
  readonly token?: string
  readonly headers?: Readonly<Record<string, string>>
  /** Twilio gives up after 5,000. The default only protects a test against a hang. */
  readonly timeoutMs?: number
}

/** `url` is the webhook's; the body goes out as it is. */
export async function sendBody(
  url: string,
  body: string | Uint8Array<ArrayBuffer>,
  options: SendOptions = {},
): Promise<Response> {
  const { publicUrl = url, token = authToken, headers = {}, timeoutMs = PATIENCE_MS / 2 } = options
  const query = `bodySHA256=${createHash('sha256').update(body).digest('hex')}`
  const signature = createHmac('sha1', token).update(`${publicUrl}?${query}`).digest('base64')
  return fetch(`${url}?${query}`, {
    method: 'POST',
    body,
    headers: { 'content-type': 'application/json', 'x-twilio-signature': signature, ...headers },
    signal: AbortSignal.timeout(timeoutMs),
  })
}

export async function sendEvents(
  url: string,
  events: readonly unknown[],
  options?: SendOptions,
): Promise<Response> {
  return sendBody(url, JSON.stringify(events), options)
}

const hex = (bytes = 16) => randomBytes(bytes).toString('hex')

export type EventChange = {
  readonly id?: string
  readonly to?: string
  readonly type?: string
  readonly time?: string
  readonly data?: Readonly<Record<string, unknown>>
}

/** A MessageStatus event as version 7 sends it, about 700 bytes. */
export function messageStatus({
  id = `EZ${hex()}`,
  to = '+15550100199',
  type = 'delivered',
  time,
  data,
}: EventChange = {}) {
  const messageSid = `SM${hex()}`
  const at = time ?? new Date().toISOString()
  return {
    specversion: '1.0',
    type: `com.twilio.messaging.message.${type}`,
    source: `/2010-04-01/Accounts/${accountSid}/Messages/${messageSid}.json`,
    id,
    dataschema: 'https://events-schemas.twilio.com/Messaging.MessageStatus/7',
    datacontenttype: 'application/json',
    time: at,
    data: {
      messageSid,
      timestamp: at,
      accountSid,
      eventName: `com.twilio.messaging.message.${type}`,
      apiVersion: '2010-04-01',
      from: '+15550100100',
      to,
      messageStatus: type.toUpperCase(),
      numberOfSegments: 1,
      tags: {},
      ...data,
    },
  }
}

/** What a customer writes back. */
export function inboundMessage({
  id = `EZ${hex()}`,
  to: from = '+15550100199',
  time,
  data,
}: EventChange = {}) {
  const messageSid = `SM${hex()}`
  const at = time ?? new Date().toISOString()
  return {
    specversion: '1.0',
    type: 'com.twilio.messaging.inbound-message.received',
    source: `/2010-04-01/Accounts/${accountSid}/Messages/${messageSid}.json`,
    id,
    dataschema: 'https://events-schemas.twilio.com/Messaging.InboundMessageV1/6',
    datacontenttype: 'application/json',
    time: at,
    data: {
      messageSid,
      timestamp: at,
      accountSid,
      eventName: 'com.twilio.messaging.inbound-message.received',
      from,
      to: '+15550100100',
      numSegments: 1,
      numMedia: 0,
      body: 'Thanks, got it!',
      recipients: [],
      ...data,
    },
  }
}

/** What `sink create` makes Twilio send: its id is the account, always. */
export function sinkTest() {
  return {
    specversion: '1.0',
    type: 'com.twilio.eventstreams.test-event',
    source: 'Sink',
    id: accountSid,
    dataschema: 'https://events-schemas.twilio.com/EventStreams.TestSink/1.json',
    datacontenttype: 'application/json',
    time: new Date().toISOString(),
    data: { test_id: crypto.randomUUID() },
  }
}
