/** Calls and requests for tests of the stand-in for Segment: raw, so that they may be wrong. */
import type { SegmentStandIn } from './segment.ts'

export const writeKey = (key: string) => ({ authorization: `Basic ${btoa(`${key}:`)}` })

export function track(messageId: string, more: object = {}) {
  const event = 'com.twilio.messaging.message.delivered'
  return { type: 'track', event, anonymousId: '42', messageId, properties: { to: '+15550100001' }, ...more }
}

export function tracks(count: number) {
  return Array.from({ length: count }, (_, at) => track(`EZ${at}`))
}

/** A call of exactly so many bytes, most of them in characters of three bytes. */
export function trackOfBytes(bytes: number, messageId = 'EZbig') {
  const room = bytes - Buffer.byteLength(JSON.stringify(track(messageId, { properties: { text: '' } })))
  return track(messageId, { properties: { text: '€'.repeat(Math.floor(room / 3)) + 'x'.repeat(room % 3) } })
}

/** Text and bytes go as they are, anything else as JSON. */
export function post(
  { url }: Pick<SegmentStandIn, 'url'>,
  path: string,
  body: unknown,
  { headers = writeKey('write-key'), ...init }: RequestInit = {},
): Promise<Response> {
  const text = typeof body === 'string' || body instanceof Uint8Array ? body : JSON.stringify(body)
  return fetch(url + path, { method: 'POST', body: Buffer.from(text), headers, ...init })
}

export function postTracks(segment: Pick<SegmentStandIn, 'url'>, ids: readonly string[], init?: RequestInit) {
  return post(segment, '/v1/batch', { batch: ids.map(id => track(id)) }, init)
}
