/** What stands in the nested fields of a sample, by family: a schema says no more of them than "object". Pure but for random SIDs. */
import { randomBytes } from 'node:crypto'
import type { JsonObject } from '../../event/event.ts'

export type About = {
  readonly type: string
  readonly customer: string
  readonly accountSid: string
  readonly messageSid: string
  /** ISO 8601. */
  readonly time: string
}

export const BUSINESS = '+15550100100'
export const newSid = (prefix: string): string => prefix + randomBytes(16).toString('hex')
const proxySids = () => ({ serviceSid: newSid('KS'), sessionSid: newSid('KC'), participantSid: newSid('KP') })

/** By schema: what takes the place of the fields that the schema alone would give. */
export const nested: Readonly<Record<string, (about: About) => JsonObject>> = {
  'Voice.WebhookEvent': toVoice,
  'VoiceInsights.CallSummary': ({ customer }) => ({
    parent_call_sid: '',
    parent_account_sid: '',
    call_type: 'carrier',
    call_state: 'completed',
    from: { ...party, caller: customer },
    to: { ...party, callee: BUSINESS },
    ...noEdges,
    attributes: { conference_participant: false },
    properties: {
      direction: 'inbound',
      disconnected_by: 'caller',
      last_sip_response_num: 200,
      pdd_ms: 480,
      queue_time: 0,
    },
    trust: null,
    duration: 62,
    connect_duration: 55,
  }),
  'Proxy.Session': ({ type }) => ({ ...proxySids(), status: type.split('.').at(-1), mode: 'message-only' }),
  'Proxy.Interaction': ({ messageSid }) => ({
    ...{ interactionSid: newSid('KI'), ...proxySids(), counterpartSid: newSid('KP'), role: 'inbound' },
    ...{ type: 'message', data: '{"body":"I am here"}' },
    ...{ inboundResourceSid: messageSid, inboundResourceType: 'message', inboundResourceStatus: 'received' },
    ...{ outboundResourceSid: newSid('SM'), outboundResourceType: 'message', outboundResourceStatus: 'sent' },
  }),
  'Proxy.OutOfSession': ({ messageSid }) => ({
    ...{ resourceSid: messageSid, ...proxySids(), type: 'message', status: 'received' },
    ...{ proxyIdentifier: BUSINESS, sessionStatus: 'closed' },
  }),
  'VoiceInsights.CallEvent': () => ({ name: 'call.connected', group: 'call', level: 'INFO', ...noEdges }),
  'VoiceInsights.CallMetric': () => ({
    ...noEdges,
    carrier_edge: { interval: { codec_name: 'pcmu', packets_received: 500, packets_lost: 0 } },
  }),
  'VoiceInsights.ConferenceSummary': () => ({
    friendly_name: 'sample conference',
    detected_issues: { call_quality: 0, region_configuration: 0, participant_behavior: 0 },
    tag_info: {},
  }),
  'VoiceInsights.ConferenceParticipantSummary': ({ customer }) => ({
    call_direction: 'inbound',
    from: customer,
    to: BUSINESS,
    properties: { recording_enabled: false },
    events: { hold: [], mute: [] },
    metrics: {},
  }),
  'TaskRouter.WDSEvent': toTaskRouter,
  'Studio.FlowExecutionEvent': ({ type, customer }) => ({
    contact_channel_address: customer,
    status: type.endsWith('.ended') ? 'ended' : 'active',
    ended_reason: type.endsWith('.ended') ? 'FLOW_END' : null,
    started_by: newSid('CA'),
  }),
  'AccountSecurity.VerifyEventStreamEvent': toVerification,
  'AccountSecurity.MessageStatusEvent': ({ type }) => ({ channel: 'SMS', message_status: statusOf(type) }),
  'AccountSecurity.VerifyEventStreamDLREvent': ({ type }) => ({ channel: 'SMS', dlr_status: statusOf(type) }),
  'Messaging.ApprovalUpdated': () => ({
    type: 'status_update',
    channel: 'whatsapp',
    template: {
      sid: newSid('HX'),
      friendlyName: 'sample_template',
      language: 'en',
      currentValue: 'approved',
    },
  }),
  'Notification.Delivered': ({ customer }) => ({
    delivery_state: { id: 'sample', type: 'sms', address: customer, status: 'SENT' },
  }),
  'Lookup.BulkEvent': () => ({
    status: 'completed',
    thresholds: { error: 10 },
    result: { total_count: 100, processed_count: 100, success_count: 100, error_count: 0 },
  }),
  'Iam.IPBlocked': ({ time }) => ({
    timestamp: String(Date.parse(time)),
    address: '203.0.113.9',
    action: 'POST',
    resource: '/v1/Sinks',
    authentication_method: 'API Key',
  }),
  'ErrorLogs.Error': () => ({
    level: 'ERROR',
    product_name: 'Programmable Messaging',
    error_code: '30005',
    payload: '{"error_code":30005,"message":"Unknown destination handset"}',
  }),
}

/** By what the schema's name starts with, for families of several schemas. */
export const nestedByPrefix: Readonly<Record<string, (about: About) => JsonObject>> = {
  'CommsApi.Message': ({ type, customer }) => {
    const [from, to] = type.endsWith('received') ? [customer, BUSINESS] : [BUSINESS, customer]
    return { from: { address: from, channel: 'SMS' }, to: { address: to, channel: 'SMS' }, attempt: '1' }
  },
  'Conversations.': ({ customer }) => ({
    Author: customer,
    FriendlyName: 'sample conversation',
    State: 'active',
    Identity: 'sample_identity',
    Attributes: '{}',
    MessagingBinding: { Address: customer, ProxyAddress: BUSINESS, Type: 'sms' },
    Bindings: {},
  }),
  'VideoInsights.': () => ({
    participant_identity: 'sample_identity',
    publisher_info: { name: 'sample', sdk_version: '2.0.0' },
    properties: { is_adhoc: true },
    tracks: { audio: 1, video: 1, data: 0 },
    codecs: ['VP8'],
  }),
  'A2P.Brand': () => ({ brandregistrationerrors: [], brandstatus: 'registered' }),
  'A2P.Number': () => ({ phonenumber: BUSINESS.slice(1) }),
}

const party = {
  ...{ caller: '', callee: '', carrier: '', connection: 'mobile', number_prefix: '', location: null },
  ...{ city: '', country_code: 'US', country_subdivision: '', ip_address: '', sdk: null },
}
const noEdges = { carrier_edge: null, client_edge: null, sip_edge: null, sdk_edge: null }

const statusOf = (type: string): string => type.split('.').at(-1)?.toUpperCase() ?? ''

function toVoice({ type, customer, accountSid, time }: About): JsonObject {
  const isApi = type.includes('.api-request.')
  const sid = newSid(/\.conference\./.test(type) ? 'CF' : 'CA')
  const toRfc2822 = new Date(time).toUTCString().replace('GMT', '+0000')
  const status = /\.call\.(initiated|ringing|answered|completed)$/.exec(type)?.[1]
  const inbound = {
    ...{ AccountSid: accountSid, ApiVersion: '2010-04-01', CallSid: sid, Direction: 'inbound' },
    ...{
      From: customer,
      To: BUSINESS,
      Caller: customer,
      Called: BUSINESS,
      FromCountry: 'US',
      ToCountry: 'US',
    },
    CallStatus: status === 'answered' ? 'in-progress' : (status ?? 'in-progress'),
    ...(status && { CallbackSource: 'call-progress-events', SequenceNumber: '0', Timestamp: toRfc2822 }),
    ...(status === 'completed' && { CallDuration: '15', Duration: '1' }),
  }
  return {
    sid,
    requestDateCreated: toRfc2822,
    timestamp: time,
    eventSid: newSid('VW'),
    request: {
      method: 'POST',
      url: isApi ? 'https://api.twilio.com/2010-04-01/Calls.json' : 'https://example.com/voice',
      parameters: isApi ? { From: BUSINESS, To: customer } : inbound,
    },
    response: {
      responseCode: isApi ? 201 : 200,
      requestDuration: 140,
      contentType: isApi ? 'application/json' : 'application/xml;charset=UTF-8',
      responseBody: isApi ? 'e30=' : 'PFJlc3BvbnNlLz4=',
      dateCreated: toRfc2822,
    },
  }
}

function toTaskRouter({ type, customer, accountSid, time }: About): JsonObject {
  const eventtype = type.replace('com.twilio.taskrouter.', '')
  const sid = newSid('EV')
  const attributes = { from: customer, to: BUSINESS, direction: 'inbound', call_sid: newSid('CA') }
  const worker = { worker_sid: newSid('WK'), worker_name: 'sample_worker', worker_attributes: '{}' }
  const isTask = /^(task|reservation|workflow|task-queue\.(entered|moved|timeout))\b(?!-)/.test(eventtype)
  const task = {
    ...{
      task_sid: newSid('WT'),
      task_attributes: JSON.stringify(attributes),
      task_age: 12,
      task_priority: 0,
    },
    ...{ task_date_created: time, task_assignment_status: 'pending', task_channel_unique_name: 'voice' },
    ...{ workflow_sid: newSid('WW'), workflow_name: 'sample workflow' },
  }
  return {
    sid,
    name: eventtype.replaceAll(/(?:^|[.-])(\w)/g, (_, letter: string) => letter.toUpperCase()),
    level: 'INFO',
    group: eventtype.split('.')[0],
    product_name: 'TaskRouter',
    publisher_metadata: '{}',
    payload_type: 'application/json',
    payload: {
      ...{ sid, eventtype, account_sid: accountSid, timestamp: time },
      ...{ workspace_sid: newSid('WS'), workspace_name: 'sample workspace' },
      ...{ task_queue_sid: newSid('WQ'), task_queue_name: 'sample queue' },
      ...(isTask && task),
      ...(/^reservation\./.test(eventtype) && { reservation_sid: newSid('WR') }),
      ...(/^(worker|reservation)\./.test(eventtype) && worker),
    },
  }
}

function toVerification({ type, time }: About): JsonObject {
  const status = type.split('.').at(-1)?.replaceAll('-', '_').toUpperCase() ?? ''
  const isOver = status !== 'PENDING'
  return {
    verification_status: status,
    created_at: time,
    verified_at: status === 'APPROVED' ? time : null,
    // Ten minutes ahead, unless it is what happened.
    expired_at: status === 'EXPIRED' ? time : new Date(Date.parse(time) + 10 * 60_000).toISOString(),
    country: 'US',
    send_code_attempts: { count: 1, attempts: [{ time, channel: 'SMS', attempt_sid: newSid('VL') }] },
    check_attempts: { count: isOver ? 1 : 0, attempts: isOver ? [{ time, status: 'SUCCESS' }] : [] },
  }
}
