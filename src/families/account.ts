/** About an account and not about a customer: errors, blocked addresses, lookups, transcripts. Pure data. */
import * as z from 'zod'
import { defineFamily, upTo } from './family.ts'
import { optionals } from './fields.ts'
import { optIn } from './rules.ts'

const account = optIn('about the account, not about a customer')

export const errorLogs = defineFamily({
  schema: 'ErrorLogs.Error',
  group: 'Error Logs',
  description: 'Twilio logged an error or a warning of the account',
  prefix: 'com.twilio.error-logs.',
  types: { 'error.logged': 'Error Logged' },
  versions: () =>
    upTo(
      2,
      z.looseObject(
        optionals('text', {
          sid: 'SID of the error (NO…)',
          account_sid: 'SID of the account',
          date_created: 'When it was logged, ISO 8601',
          level: 'ERROR, WARNING, …',
          master_account_sid: 'SID of the parent account',
          request_sid: 'SID of the request (RQ…)',
          service_sid: 'SID of the service',
          correlation_sid: 'SID of what it belongs to',
          product_name: 'The product',
          error_code: "Twilio's error code",
          payload: 'Details, JSON in a text',
        }),
      ),
    ),
  time: ['date_created'],
  resource: ['sid'],
  personal: { content: ['payload'] },
  subscribe: optIn('a failing sink logs an error, which is an event for the sink again'),
})

export const ipBlocked = defineFamily({
  schema: 'Iam.IPBlocked',
  group: 'IAM',
  description: 'A request to the API was blocked for its IP address',
  prefix: 'com.twilio.iam.ip.',
  types: { blocked: 'IP Blocked', 'blocked.dryrun': 'IP Block Simulated' },
  versions: () =>
    upTo(
      2,
      z.looseObject(
        optionals('text', {
          timestamp: 'Time of the event, ms since 1970 in a text',
          account_sid: 'SID of the account',
          request_sid: 'SID of the request (RQ…)',
          address: 'The IP address',
          action: 'The method of the request',
          resource: 'Its path',
          authentication_method: 'How it authenticated',
          auth_sid: 'SID of the API key',
        }),
      ),
    ),
  time: ['timestamp'],
  resource: ['request_sid'],
  personal: { network: ['address'] },
  subscribe: account,
})

export const lookup = defineFamily({
  schema: 'Lookup.BulkEvent',
  group: 'Lookup',
  description: 'A bulk lookup changed its status',
  prefix: 'com.twilio.lookup.bulk.',
  types: { 'job-status-changed': 'Bulk Lookup Updated' },
  versions: () =>
    upTo(
      2,
      z.looseObject({
        ...optionals('text', {
          job_sid: 'SID of the job (JW…)',
          friendly_name: 'Name of the job',
          description: 'Description of the job',
          created_at: 'When it was created, ISO 8601',
          completed_at: 'When it was completed, ISO 8601',
          status: 'Status of the job',
        }),
        ...optionals('integer', { twilio_error_code: "Twilio's error code" }),
        ...optionals('object', {
          thresholds: 'Limits of the job',
          result: 'Counts, and where the result is',
        }),
      }),
    ),
  time: ['completed_at', 'created_at'],
  resource: ['job_sid'],
  personal: { name: ['friendly_name', 'description'], content: ['result.file_url'] },
  subscribe: account,
})

export const transcript = defineFamily({
  schema: 'EngagementIntelligence.TranscriptEvent',
  group: 'Engagement Intelligence',
  description: 'A transcript is ready',
  prefix: 'com.twilio.engagement-intelligence.transcript.',
  types: {
    finished: 'Transcript Finished',
    'operators.results-available': 'Transcript Results Available',
  },
  versions: () =>
    upTo(
      1,
      z.looseObject(
        optionals('text', {
          service_sid: 'SID of the service (GA…)',
          transcript_sid: 'SID of the transcript (GT…)',
          account_sid: 'SID of the account',
          date_created: 'When it was created, ISO 8601',
        }),
      ),
    ),
  time: ['date_created'],
  resource: ['transcript_sid'],
  subscribe: optIn('restricted by Twilio, and names no customer'),
})
