/**
 * Sessions of Twilio Proxy. Event Streams has no events for them: the bridge makes these itself, one for each participant, of what
 * the API and the callbacks say (proxy/facts.ts). Pure data.
 */
import * as z from 'zod'
import { defineFamily } from './family.ts'
import { optional, optionals, text } from './fields.ts'
import { address, type CustomerRule } from './rules.ts'

/** A callback names the participant by SID alone; who that is, the API says. */
const participant: CustomerRule = { rule: 'awaited', path: 'identifier', unless: 'participantDeleted' }

const who = {
  ...optionals('text', {
    accountSid: 'SID of the account',
    identifier: 'The real number or address of the participant',
  }),
  participantDeleted: optional('boolean', 'The participant was deleted before the bridge knew who it is'),
}

const where = {
  serviceSid: text('SID of the service (KS…)'),
  sessionSid: text('SID of the session (KC…)'),
  participantSid: text('SID of the participant whose event it is (KP…)'),
}

const sessionFields = {
  uniqueName: 'Name of the session, given by the application',
  mode: 'What may pass: message-only, voice-only or voice-and-message',
  closedReason: 'Why it was closed',
  dateCreated: 'When it was created',
  dateStarted: 'When its first interaction began',
  dateLastInteraction: 'When its last interaction was',
  dateExpiry: 'When it expires; overrides ttl',
  dateEnded: 'When it ended',
  dateUpdated: 'When it was last changed',
}

export const proxySession = defineFamily({
  schema: 'Proxy.Session',
  group: 'Proxy',
  description: 'A session of Twilio Proxy was opened, began, ended or was reopened',
  prefix: 'twilio-proxy.session.',
  types: {
    opened: 'Proxy Session Opened',
    'in-progress': 'Proxy Session Started',
    closed: 'Proxy Session Closed',
    failed: 'Proxy Session Failed',
    reopened: 'Proxy Session Reopened',
  },
  versions: () => ({
    1: z.looseObject({
      ...where,
      ...who,
      status: text('What it became: open, in-progress, closed or failed'),
      ...optionals('text', sessionFields),
      ttl: optional('integer', 'Seconds since creation or last interaction after which it expires'),
    }),
  }),
  customer: participant,
  resource: ['sessionSid'],
  personal: { address: ['identifier'] },
  time: ['dateUpdated'],
  subscribe: 'never',
})

const legFields = (side: 'inbound' | 'outbound') => ({
  [`${side}ResourceSid`]: `SID of the ${side} message or call`,
  [`${side}ResourceType`]: 'message or call',
  [`${side}ResourceStatus`]: `Status of the ${side} message or call`,
})

export const proxyInteraction = defineFamily({
  schema: 'Proxy.Interaction',
  group: 'Proxy',
  description: 'A message or call was passed on in a session of Twilio Proxy, or its status changed',
  prefix: 'twilio-proxy.interaction.',
  types: { updated: 'Proxy Interaction Updated' },
  versions: () => ({
    1: z.looseObject({
      interactionSid: text('SID of the interaction (KI…)'),
      ...where,
      ...who,
      role: text('Of the participant: inbound wrote or called, outbound was written to or called'),
      ...optionals('text', {
        counterpartSid: 'SID of the other participant',
        type: 'message or voice',
        data: 'JSON in a text: the body of a message, or the duration of a call',
        ...legFields('inbound'),
        ...legFields('outbound'),
        dateCreated: 'When it began',
        dateUpdated: 'When its status changed',
      }),
    }),
  }),
  customer: participant,
  resource: ['interactionSid'],
  personal: { address: ['identifier'], content: ['data'] },
  time: ['dateUpdated'],
  subscribe: 'never',
})

export const proxyOutOfSession = defineFamily({
  schema: 'Proxy.OutOfSession',
  group: 'Proxy',
  description: 'Somebody wrote to or called a masked number without an open session',
  prefix: 'twilio-proxy.out-of-session.',
  types: { received: 'Proxy Out-of-Session Received' },
  versions: () => ({
    1: z.looseObject({
      resourceSid: text('SID of the message or call'),
      ...optionals('text', {
        accountSid: 'SID of the account',
        identifier: 'The number or address of who wrote or called',
        participantSid: 'SID of that participant, if a former session is known',
        type: 'message or voice',
        status: 'Status of the message or call',
        proxyIdentifier: 'The masked number that was written to or called',
        body: 'Text of the message',
        numMedia: 'How many files came with it',
        serviceSid: 'SID of the service of the former session',
        sessionSid: 'SID of the former session',
        sessionStatus: 'Its status',
        ...sessionFields,
      }),
    }),
  }),
  customer: address('identifier'),
  resource: ['resourceSid'],
  personal: { address: ['identifier'], content: ['body'] },
  // `dateUpdated` is the former session's: the event happened when it came.
  time: [],
  subscribe: 'never',
})
