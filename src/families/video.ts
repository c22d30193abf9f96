/** Video rooms. A participant's identity is the app's own: it counts through USER_ID_FROM alone. Pure data. */
import * as z from 'zod'
import { defineFamily, upTo } from './family.ts'
import { optionals } from './fields.ts'
import { optIn } from './rules.ts'

const shared = {
  group: 'Video',
  prefix: 'com.twilio.video.insights.',
  subscribe: optIn('names a customer through USER_ID_FROM alone'),
} as const
const room = {
  room_sid: 'SID of the room (RM…)',
  room_name: 'Name of the room',
  room_type: 'Type of the room',
  account_sid: 'SID of the account',
}
const participantFields = () => ({
  ...optionals('text', {
    ...room,
    participant_sid: 'SID of the participant (PA…)',
    participant_identity: 'Identity in the app',
    call_sid: 'SID of the call',
    join_time: 'When the participant joined, ISO 8601',
    leave_time: 'When the participant left, ISO 8601',
    status: 'Status of the participant',
    processing_state: 'Whether the summary is complete',
    media_region: 'Region of the media',
    signaling_region: 'Region of the signalling',
    edge_location: 'Edge',
    end_reason: 'Why it ended',
    error_code_url: 'About the error',
  }),
  ...optionals('integer', {
    duration_sec: 'Seconds the participant took part',
    recording_duration_sec: 'Seconds that were recorded',
    error_code: "Twilio's error code",
  }),
  ...optionals('textList', { codecs: 'Codecs' }),
  ...optionals('object', {
    tracks: 'Tracks by kind',
    publisher_info: 'SDK, platform, device and browser',
    properties: 'Settings of the participant',
  }),
})
const roomFields = () => ({
  ...optionals('text', {
    ...room,
    create_time: 'When the room was created, ISO 8601',
    end_time: 'When it ended, ISO 8601',
    room_status: 'Status of the room',
    created_method: 'How it was created',
    end_reason: 'Why it ended',
    media_region: 'Region of the media',
    room_region: 'Region of the room',
    edge_location: 'Edge',
    processing_state: 'Whether the summary is complete',
    status_callback: 'Where its status is reported',
    status_callback_method: 'How',
  }),
  ...optionals('integer', {
    max_participants: 'Most participants allowed',
    unique_participants: 'How many took part',
    unique_participant_identities: 'How many identities took part',
    concurrent_participants: 'Participants at once',
    max_concurrent_participants: 'Most participants at once',
    duration_sec: 'Seconds it lasted',
    total_participant_duration_sec: 'Seconds of all participants',
    total_recording_duration_sec: 'Seconds that were recorded',
  }),
  ...optionals('boolean', { recording_enabled: 'Whether it was recorded' }),
  ...optionals('textList', { codecs: 'Codecs' }),
})

const participant = {
  ...shared,
  versions: () => upTo(2, z.looseObject(participantFields())),
  description: 'A participant of a video room was summarized',
  time: ['leave_time', 'join_time'],
  resource: ['participant_sid', 'room_sid'],
  personal: { name: ['participant_identity', 'room_name'], device: ['publisher_info'] },
}
const wholeRoom = {
  ...shared,
  versions: () => upTo(2, z.looseObject(roomFields())),
  description: 'A video room was summarized',
  time: ['end_time', 'create_time'],
  resource: ['room_sid'],
  personal: { name: ['room_name'] },
}

export const video = [
  defineFamily({
    ...participant,
    schema: 'VideoInsights.ParticipantSummaryApi',
    types: { 'participant-summary.complete': 'Video Participant Summarized' },
  }),
  defineFamily({
    ...wholeRoom,
    schema: 'VideoInsights.RoomSummaryApi',
    types: { 'room-summary.complete': 'Video Room Summarized' },
  }),
  defineFamily({
    ...shared,
    schema: 'VideoInsights.TrackSummaryApi',
    description: 'A track of a video room was summarized',
    types: { 'track-summary.complete': 'Video Track Summarized' },
    versions: () =>
      upTo(2, z.looseObject(optionals('text', { ...room, participant_sid: 'SID of the participant (PA…)' }))),
    resource: ['participant_sid', 'room_sid'],
    personal: { name: ['room_name'] },
  }),
  defineFamily({
    ...participant,
    schema: 'VideoInsights.VideoLogAnalyzerParticipantSummary',
    types: { 'log-analyzer.participant-summary': 'Video Participant Analyzed' },
  }),
  defineFamily({
    ...wholeRoom,
    schema: 'VideoInsights.VideoLogAnalyzerRoomSummary',
    types: { 'log-analyzer.room-summary': 'Video Room Analyzed' },
  }),
]
