/** What Voice Insights knows of a call: summaries, events and metrics. Pure data. */
import * as z from 'zod'
import { defineFamily, upTo } from './family.ts'
import { optionals, text } from './fields.ts'
import { callerOrCalled, optIn } from './rules.ts'

const PREFIX = 'com.twilio.voice.insights.'
const edges = {
  carrier_edge: "The carrier's edge",
  client_edge: "The client's edge",
  sip_edge: 'The SIP edge',
  sdk_edge: "The SDK's edge",
}
const edgeNetwork = Object.keys(edges)
const about = { call_sid: text('SID of the call'), account_sid: text('SID of the account') }

/** The envelope's time of a complete summary is up to 30 minutes late; the end of the call is not. */
export const callSummary = defineFamily({
  schema: 'VoiceInsights.CallSummary',
  group: 'Call Insights',
  description: 'A call was summarized',
  prefix: PREFIX,
  types: {
    'call-summary.partial': {
      name: 'Call Partially Summarized',
      subscribe: optIn('several for each call; call-summary.complete is subscribed'),
    },
    'call-summary.predicted-complete': {
      name: 'Call Summary Predicted',
      subscribe: optIn('call-summary.complete, which is subscribed, tells the same call again'),
    },
    // Not "Call Completed": that is the event of the call itself.
    'call-summary.complete': 'Call Summarized',
  },
  versions: () =>
    upTo(
      2,
      z.looseObject({
        ...about,
        ...optionals('text', {
          parent_call_sid: 'SID of the parent call; empty when there is none',
          parent_account_sid: 'SID of the parent account',
          created_time: 'When the call was created, ISO 8601',
          start_time: 'When it began, ISO 8601',
          end_time: 'When it ended, ISO 8601',
          call_type: 'carrier, sip, trunking, client or whatsapp',
          call_state: 'How the call ended',
          processing_state: 'partial or complete',
          answered_by: 'Who or what answered',
        }),
        ...optionals('integer', {
          duration: 'Seconds from the beginning to the end',
          connect_duration: 'Seconds from the answer to the end',
          processing_version: 'How often the summary was made anew',
        }),
        ...optionals('object', {
          from: 'The caller: number, carrier, place',
          to: 'The called: number, carrier, place',
          ...edges,
          attributes: 'Attributes of the call',
          properties: 'Direction, delays, who ended it',
          trust: 'Verified and branded calling',
        }),
        ...optionals('textList', { tags: 'Anomalies that were found' }),
      }),
    ),
  // In Twilio's sample `from` has its caller and `to` its callee filled; the other name is the fall-back.
  customer: callerOrCalled(
    'properties.direction',
    ['from.caller', 'from.callee'],
    ['to.callee', 'to.caller'],
  ),
  time: ['end_time', 'start_time', 'created_time'],
  resource: ['call_sid'],
  personal: {
    address: [
      ...['from', 'to'].flatMap(end => [`${end}.caller`, `${end}.callee`, `${end}.number_prefix`]),
      'trust.branded_call.caller',
    ],
    network: [...edgeNetwork, 'from.ip_address', 'to.ip_address'],
    place: ['from', 'to'].flatMap(end => [`${end}.location`, `${end}.city`, `${end}.country_subdivision`]),
  },
})

export const callEvent = defineFamily({
  schema: 'VoiceInsights.CallEvent',
  group: 'Call Insights',
  description: 'Something happened at an edge of a call',
  prefix: PREFIX,
  types: { 'call-event.gateway': 'Call Gateway Event', 'call-event.sdk': 'Call SDK Event' },
  versions: () =>
    upTo(
      3,
      z.looseObject({
        timestamp: text('Time of the event, ISO 8601'),
        ...about,
        ...optionals('text', {
          edge: 'The edge',
          name: 'What happened',
          group: 'What kind of thing',
          level: 'Level',
        }),
        ...optionals('object', edges),
      }),
    ),
  time: ['timestamp'],
  resource: ['call_sid'],
  personal: { network: edgeNetwork },
  subscribe: optIn('many for each call, and none names a customer'),
})

export const callMetric = defineFamily({
  schema: 'VoiceInsights.CallMetric',
  group: 'Call Insights',
  description: 'The quality of a call was measured',
  prefix: PREFIX,
  types: { 'call-metrics.gateway': 'Call Gateway Metrics', 'call-metrics.sdk': 'Call SDK Metrics' },
  versions: () =>
    upTo(
      2,
      z.looseObject({
        ...optionals('text', {
          timestamp: 'Time of the measurement, ISO 8601',
          call_sid: 'SID of the call',
          account_sid: 'SID of the account',
          edge: 'The edge',
          direction: 'Direction of the stream',
        }),
        ...optionals('object', edges),
      }),
    ),
  time: ['timestamp'],
  resource: ['call_sid'],
  personal: { network: edgeNetwork },
  subscribe: optIn('one every 10 seconds for each edge of a call, and none names a customer'),
})
