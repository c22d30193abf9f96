/**
 * Calls, as Twilio told them to the customer's own program: each event holds the request Twilio made (or got) and its answer.
 * Whose call it was stands in the parameters of the request. Pure data.
 */
import * as z from 'zod'
import { defineFamily, upTo } from './family.ts'
import { optionals, text } from './fields.ts'
import { address, callerOrCalled, optIn } from './rules.ts'

const onRequest = optIn('one of up to four events for each call; call.completed is subscribed')
const step = optIn('a step of a call, on request')
const account = optIn('a request to the API, with no customer in most of them')
const twin = optIn(
  'deprecated: Twilio renamed it to com.twilio.voice.status-callback.call, which counts the same call',
)

/** What the customer's program asked for holds no direction: it is the customer who is called. */
const called = { customer: address('request.parameters.To') }

export const voice = defineFamily({
  schema: 'Voice.WebhookEvent',
  group: 'Voice',
  description: 'Something happened in a call',
  prefix: 'com.twilio.voice.',
  types: {
    'status-callback.call.initiated': { name: 'Call Initiated', subscribe: onRequest },
    'status-callback.call.ringing': { name: 'Call Ringing', subscribe: onRequest },
    'status-callback.call.answered': { name: 'Call Answered', subscribe: onRequest },
    'status-callback.call.completed': 'Call Completed',
    'webhook.status-callback.call.initiated': { name: 'Call Initiated', subscribe: twin },
    'webhook.status-callback.call.ringing': { name: 'Call Ringing', subscribe: twin },
    'webhook.status-callback.call.answered': { name: 'Call Answered', subscribe: twin },
    'webhook.status-callback.call.completed': { name: 'Call Completed', subscribe: twin },
    'status-callback.amd.detected': { name: 'Answering Machine Detected', subscribe: step },
    'status-callback.announcement.processed': { name: 'Announcement Processed', subscribe: step },
    'status-callback.conference.updated': { name: 'Conference Updated', subscribe: account },
    'status-callback.conference.participant.updated': {
      name: 'Conference Participant Updated',
      subscribe: account,
    },
    'status-callback.gather.partial.captured': { name: 'Partial Input Captured', subscribe: step },
    'status-callback.recording.processed': { name: 'Recording Processed', subscribe: step },
    'status-callback.stream.updated': { name: 'Stream Updated', subscribe: step },
    'status-callback.transcription.processed': { name: 'Transcription Processed', subscribe: step },
    'api-request.call.created': { name: 'Call Requested by API', ...called, subscribe: step },
    'api-request.call.modified': { name: 'Call Modified by API', subscribe: account },
    'api-request.conference.modified': { name: 'Conference Modified by API', subscribe: account },
    'api-request.conference-participant.created': {
      name: 'Conference Participant Added by API',
      ...called,
      subscribe: step,
    },
    'api-request.conference-participant.modified': {
      name: 'Conference Participant Modified by API',
      subscribe: account,
    },
    'api-request.conference-participant.deleted': {
      name: 'Conference Participant Removed by API',
      subscribe: account,
    },
    'twiml.call.redirected': { name: 'Call Redirected', subscribe: step },
    'twiml.call.requested': { name: 'Call Instructions Requested', subscribe: step },
    'twiml.requested': { name: 'Call Instructions Requested', subscribe: step },
    'twiml.call.transferred': { name: 'Call Transferred', subscribe: step },
    'twiml.dial.finished': { name: 'Dial Finished', subscribe: step },
    'twiml.enqueue.finished': { name: 'Enqueue Finished', subscribe: step },
    'twiml.gather.finished': { name: 'Input Gathered', subscribe: step },
    'twiml.record.finished': { name: 'Recording Finished', subscribe: step },
    'twiml.request.failed': { name: 'Call Instructions Failed', subscribe: step },
    'media.fetched': { name: 'Media Fetched', subscribe: step },
  },
  versions: () =>
    upTo(
      2,
      z.looseObject({
        sid: text('SID of the call (CA…) or conference (CF…)'),
        ...optionals('text', {
          requestDateCreated: 'When the request was made, RFC 2822',
          timestamp: 'Time of the event, ISO 8601',
          eventSid: 'SID of the event (VW…)',
        }),
        ...optionals('object', {
          request: 'The request: method, url and the parameters of it',
          response: 'Its answer: code, duration, content type, body in base64',
        }),
      }),
    ),
  customer: callerOrCalled(
    'request.parameters.Direction',
    ['request.parameters.From', 'request.parameters.Caller'],
    ['request.parameters.To', 'request.parameters.Called'],
  ),
  time: ['timestamp', 'request.parameters.Timestamp', 'requestDateCreated'],
  resource: ['sid', 'request.parameters.CallSid', 'request.parameters.ConferenceSid'],
  personal: {
    address: [
      ...['From', 'To', 'Caller', 'Called', 'ForwardedFrom'].map(name => `request.parameters.${name}`),
      'response.responseBody',
    ],
    name: ['request.parameters.CallerName', 'request.parameters.ParticipantLabel'],
    // Any parameter may hold something personal: the customer's program chose them.
    content: ['request.parameters', 'request.url'],
    code: ['request.parameters.Digits'],
  },
})
