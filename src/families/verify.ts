/** Verifications and the messages that carry their codes. No event holds a code. Pure data. */
import * as z from 'zod'
import { defineFamily, upTo } from './family.ts'
import { optionals } from './fields.ts'
import { address, optIn, type TimeRule } from './rules.ts'

const PREFIX = 'com.twilio.accountsecurity.verify.'
const SEND = 'send_code_attempts.attempts.last.time'
const CHECK = 'check_attempts.attempts.last.time'
/** `expired_at` lies ten minutes ahead, unless it is what happened. */
const lastAttempt: TimeRule = { latest: [SEND, CHECK] }

const shared = {
  group: 'Verify',
  prefix: PREFIX,
  customer: address('to'),
  resource: ['verification_sid'],
} as const
const ids = {
  account_sid: 'SID of the account',
  service_sid: 'SID of the service (VA…)',
  verification_sid: 'SID of the verification (VE…)',
  created_at: 'When it was created, ISO 8601',
  to: 'Who is verified: a number, or an e-mail',
}

export const verification = defineFamily({
  ...shared,
  schema: 'AccountSecurity.VerifyEventStreamEvent',
  description: 'A verification changed its status',
  types: {
    'verification.pending': { name: 'Verification Started', time: ['created_at'] },
    'verification.approved': { name: 'Verification Approved', time: ['verified_at'] },
    'verification.canceled': 'Verification Canceled',
    'verification.expired': { name: 'Verification Expired', time: ['expired_at'] },
    'verification.max_attempts_reached': 'Verification Attempts Exhausted',
    'verification.max-attempts-reached': {
      name: 'Verification Attempts Exhausted',
      subscribe: optIn('another spelling of max_attempts_reached on some of the pages of Twilio'),
    },
  },
  versions: () =>
    upTo(
      2,
      z.looseObject({
        ...optionals('text', {
          ...ids,
          friendly_name: 'Name of the service',
          custom_friendly_name: 'Name that was set for this verification',
          verified_at: 'When it was approved, ISO 8601',
          expired_at: 'When it expires or expired, ISO 8601',
          verification_status: 'PENDING, APPROVED, CANCELED, EXPIRED or MAX_ATTEMPTS_REACHED',
          country: 'Country of the number',
        }),
        ...optionals('boolean', { custom_code_enabled: 'Whether the code was set by the caller' }),
        ...optionals('integer', { code_length: 'How long the code is' }),
        ...optionals('object', {
          send_code_attempts: 'How often, when and how the code was sent',
          check_attempts: 'How often and when a code was tried',
        }),
      }),
    ),
  time: lastAttempt,
  personal: { address: ['to'], content: ['send_code_attempts.attempts.*.tags'] },
})

const messageFields = (status: string) => ({
  ...optionals('text', {
    ...ids,
    attempt_sid: 'SID of the attempt (VL…)',
    error_code: 'Error code; empty when there is none',
    channel: 'How the code was sent',
    [status]: 'Status of the message, in capitals',
    mnc: 'Mobile network code',
    mcc: 'Mobile country code',
  }),
  ...optionals('boolean', {
    has_fallback: 'Whether another channel is tried if this one fails',
    is_fallback: 'Whether this is that other channel',
  }),
  ...optionals('integer', { number_segments: 'How many segments the message has' }),
  ...optionals('textMap', { tags: 'Tags of the verification' }),
})
const messagePersonal = { address: ['to'], content: ['tags'] }

export const verifyMessage = defineFamily({
  ...shared,
  schema: 'AccountSecurity.MessageStatusEvent',
  description: 'A message with a code changed its status',
  types: {
    'message.sent': 'Verification Message Sent',
    'message.delivered': 'Verification Message Delivered',
    'message.undelivered': 'Verification Message Undelivered',
    'message.failed': 'Verification Message Failed',
    'message.read': 'Verification Message Read',
  },
  versions: () => upTo(2, z.looseObject(messageFields('message_status'))),
  time: ['created_at'],
  personal: messagePersonal,
  subscribe: optIn('two more events for each verification'),
})

export const verifyDelivery = defineFamily({
  ...shared,
  schema: 'AccountSecurity.VerifyEventStreamDLREvent',
  description: 'A message with a code changed its status (the older name)',
  types: {
    'attempt-dlr.sent': 'Verification Message Sent',
    'attempt-dlr.delivered': 'Verification Message Delivered',
    'attempt-dlr.undelivered': 'Verification Message Undelivered',
    'attempt-dlr.failed': 'Verification Message Failed',
    'attempt-dlr.read': 'Verification Message Read',
  },
  versions: () => upTo(1, z.looseObject(messageFields('dlr_status'))),
  time: ['created_at'],
  personal: messagePersonal,
  subscribe: optIn(
    'restricted by Twilio, and the same messages as com.twilio.accountsecurity.verify.message',
  ),
})
