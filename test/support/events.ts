/** Events as Twilio sends them, whole and valid; a test changes what it is about. */

export const ZEROS = '0'.repeat(32)

export const statusTypes = ['queued', 'sent', 'delivered', 'failed', 'undelivered', 'read'].map(
  status => `com.twilio.messaging.message.${status}`,
)
export const inboundType = 'com.twilio.messaging.inbound-message.received'

type Data = Record<string, unknown>
type Event = Record<string, unknown> & { data: Data }

const statusV3: Data = {
  messageSid: `SM${ZEROS}`,
  timestamp: '2026-01-02T03:04:05.000Z',
  accountSid: `AC${ZEROS}`,
  eventName: 'com.twilio.messaging.message.delivered',
  apiVersion: '2010-04-01',
  from: '+15550100001',
  to: '+15550100002',
  messageStatus: 'DELIVERED',
  messagingServiceSid: `MG${ZEROS}`,
  errorCode: 30007,
  body: 'Ahoy!',
  statusCallBackUrl: 'https://example.com/status',
}
const statusV4: Data = { ...statusV3, tags: { campaign: 'spring sale' } }
const statusV5: Data = { ...statusV4, mnc: '090', mcc: '310', rawDlrDoneDate: '2603290400' }
const statusV6: Data = { ...statusV5, numberOfSegments: 1, dateUpdated: '2026-01-02T03:04:05.123456789Z' }
/** Every field Twilio documents for the version. */
export const statusData: Readonly<Record<number, Data>> = {
  1: statusV3,
  2: statusV3,
  3: statusV3,
  4: statusV4,
  5: statusV5,
  6: statusV6,
  7: statusV6,
  8: { ...statusV6, addedInVersion8: { nested: [1, null] } },
}

const inboundV1: Data = {
  messageSid: `SM${ZEROS}`,
  timestamp: '2026-01-02T03:04:05.000Z',
  accountSid: `AC${ZEROS}`,
  eventName: inboundType,
  from: '+15550100002',
  to: '+15550100001',
  numSegments: 1,
  numMedia: 0,
  body: 'Ahoy!',
  toCountry: 'US',
  toState: 'FL',
  toCity: 'FORT MEADE',
  toZip: '33841',
  fromCountry: 'US',
  fromState: 'NH',
  fromCity: 'NASHUA',
  fromZip: '03049',
}
const inboundV6: Data = {
  ...inboundV1,
  mnc: '090',
  mcc: '310',
  messagingServiceSid: `MG${ZEROS}`,
  recipients: ['+15550100003'],
  optOutType: 'STOP',
  referralCtwaClid: 'ARAk',
}
export const inboundData: Readonly<Record<number, Data>> = {
  1: inboundV1,
  2: inboundV6,
  3: inboundV6,
  4: inboundV6,
  5: inboundV6,
  6: inboundV6,
}

/** A delivered event of version 6; `data` is merged into its data. */
export function statusEvent(data: Data = {}, envelope: Data = {}): Event {
  return {
    ...toEnvelope('Messaging.MessageStatus/6'),
    type: statusTypes[2],
    ...envelope,
    data: { ...statusV6, ...data },
  }
}

export function inboundEvent(data: Data = {}, envelope: Data = {}): Event {
  const base = { ...toEnvelope('Messaging.InboundMessageV1/6'), type: inboundType }
  return { ...base, ...envelope, data: { ...inboundV6, ...data } }
}

export function testEvent(envelope: Data = {}): Data {
  return {
    ...toEnvelope('EventStreams.TestSink/1.json'),
    type: 'com.twilio.eventstreams.test-event',
    source: 'Sink',
    id: `AC${ZEROS}`,
    data: { test_id: '95001c1e-5b8e-45f5-830d-f9cbf1d16420' },
    ...envelope,
  }
}

export function without(object: Data, ...keys: string[]): Data {
  return Object.fromEntries(Object.entries(object).filter(([key]) => !keys.includes(key)))
}

function toEnvelope(schema: string): Data {
  return {
    specversion: '1.0',
    source: `/2010-04-01/Accounts/AC${ZEROS}/Messages/SM${ZEROS}.json`,
    id: `EZ${ZEROS}`,
    dataschema: `https://events-schemas.twilio.com/${schema}`,
    datacontenttype: 'application/json',
    time: '2026-01-02T03:04:05.678Z',
  }
}
