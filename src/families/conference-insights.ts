/** What Voice Insights knows of a conference and of who took part. Pure data. */
import * as z from 'zod'
import { defineFamily, upTo } from './family.ts'
import { optionals } from './fields.ts'
import { address, choice, optIn } from './rules.ts'

const PREFIX = 'com.twilio.voice.insights.'
const noCustomer = optIn('about a conference, and names no customer')

export const conferenceSummary = defineFamily({
  schema: 'VoiceInsights.ConferenceSummary',
  group: 'Conference Insights',
  description: 'A conference was summarized',
  prefix: PREFIX,
  types: {
    'conference-summary.partial': { name: 'Conference Partially Summarized', time: ['start_time'] },
    'conference-summary.complete': 'Conference Summarized',
  },
  versions: () =>
    upTo(
      2,
      z.looseObject({
        ...optionals('text', {
          conference_sid: 'SID of the conference',
          account_sid: 'SID of the account',
          friendly_name: 'Name of the conference',
          start_time: 'When it began, ISO 8601',
          create_time: 'When it was created, ISO 8601',
          end_time: 'When it ended, ISO 8601',
          status: 'Status of the conference',
          end_reason: 'Why it ended',
          ended_by: 'SID of the call that ended it',
          mixer_region: 'Region of the mixer',
          mixer_region_requested: 'Region that was asked for',
          processing_state: 'partial or complete',
        }),
        ...optionals('integer', {
          duration_seconds: 'Seconds it lasted',
          connect_duration_seconds: 'Seconds with two participants or more',
          max_participants: 'Most participants allowed',
          max_concurrent_participants: 'Most participants at once',
          unique_participants: 'How many took part',
        }),
        ...optionals('boolean', { recording_enabled: 'Whether it was recorded' }),
        ...optionals('textList', { tags: 'Anomalies that were found' }),
        ...optionals('object', { tag_info: 'More about them', detected_issues: 'Issues by kind' }),
      }),
    ),
  time: ['end_time', 'start_time'],
  resource: ['conference_sid'],
  personal: { name: ['friendly_name', 'tag_info'] },
  subscribe: noCustomer,
})

export const conferenceParticipantSummary = defineFamily({
  schema: 'VoiceInsights.ConferenceParticipantSummary',
  group: 'Conference Insights',
  description: 'A participant of a conference was summarized',
  prefix: PREFIX,
  types: {
    'conference-participant-summary.complete': 'Conference Participant Summarized',
    // The older name.
    'participant-summary.complete': 'Conference Participant Summarized',
  },
  versions: () =>
    upTo(
      2,
      z.looseObject({
        ...optionals('text', {
          participant_sid: 'SID of the participant',
          label: 'Label of the participant',
          conference_sid: 'SID of the conference',
          call_sid: "SID of the participant's call",
          account_sid: 'SID of the account',
          call_direction: 'inbound or outbound',
          from: 'The caller',
          to: 'The called',
          call_state: "State of the participant's call",
          call_status: "Status of the participant's call",
          country_code: 'Country of the participant',
          join_time: 'When the participant joined, ISO 8601',
          leave_time: 'When the participant left, ISO 8601',
          whisper: 'What was whispered',
          jitter_buffer_size: 'Size of the jitter buffer',
          participant_region: 'Region of the participant',
          conference_region: 'Region of the conference',
          call_type: "Kind of the participant's call",
          processing_state: 'partial or complete',
        }),
        ...optionals('integer', {
          duration_seconds: 'Seconds the participant took part',
          outbound_queue_length: 'Calls that waited before it',
          outbound_time_in_queue: 'Seconds it waited',
          quality_issues: 'Issues of quality',
        }),
        ...optionals('boolean', {
          is_moderator: 'Whether the participant moderated',
          agent_audio: 'Whether agent audio was on',
          is_coach: 'Whether the participant coached',
        }),
        ...optionals('textList', { coached_participants: 'Who was coached' }),
        ...optionals('object', {
          properties: 'Settings of the participant',
          events: 'Holds, mutes and the like: lists of Unix seconds',
          metrics: 'Measurements',
        }),
      }),
    ),
  customer: choice('call_direction', { inbound: address('from'), outbound: address('to') }),
  time: ['leave_time', 'join_time'],
  resource: ['call_sid', 'participant_sid', 'conference_sid'],
  personal: { address: ['from', 'to'], name: ['label'], content: ['whisper'] },
  subscribe: optIn('tells the call of call-summary.complete once more for each participant'),
})
