/**
 * Messages sent and received. Versions grow by extension; fields no version lists are allowed and passed on.
 * Pure data: no I/O, no clock, no host.
 */
import * as z from 'zod'
import { defineFamily } from './family.ts'
import { address, optional, party, text } from './fields.ts'
import { anyAddress } from './rules.ts'

// What versions 1 and 2 lacked is not known, so they are judged as version 3.
export const MessageStatus3 = z.looseObject({
  messageSid: text('SID of the message (SM… or MM…)'),
  timestamp: text('Time of the event, ISO 8601'),
  accountSid: text('SID of the account that sent the message'),
  eventName: text('The event type once more'),
  apiVersion: text('Version of the API the message was sent with'),
  from: party("The sender: the business's own number, short code, sender name or channel address"),
  to: address('The recipient: the customer'),
  messageStatus: text('QUEUED, SENT, DELIVERED, UNDELIVERED, FAILED or READ'),
  messagingServiceSid: optional('text', 'SID of the messaging service, when the message went through one'),
  errorCode: optional('integerOrText', "Twilio's error code, when delivery failed"),
  body: optional('text', 'Text of the message'),
  statusCallBackUrl: optional('text', 'Status callback URL of the message'),
})
export const MessageStatus4 = MessageStatus3.extend({
  tags: optional('textMap', "The customer's message tags; empty when none were set"),
})
export const MessageStatus5 = MessageStatus4.extend({
  mnc: optional('text', 'Mobile network code'),
  mcc: optional('text', 'Mobile country code'),
  rawDlrDoneDate: optional('text', "The carrier's delivery time, in the carrier's own format"),
})
export const MessageStatus6 = MessageStatus5.extend({
  numberOfSegments: optional('integer', 'How many segments the message has'),
  dateUpdated: optional('text', 'When the message was last updated, ISO 8601'),
})
export type MessageStatus = z.infer<typeof MessageStatus6>

/** `to` is the customer: Twilio's own schema marks it `identityType: phone`. */
export const messageStatus = defineFamily({
  schema: 'Messaging.MessageStatus',
  description: 'An outbound message changed its status',
  group: 'Messaging',
  prefix: 'com.twilio.messaging.message.',
  types: {
    queued: 'Message Queued',
    sent: 'Message Sent',
    delivered: 'Message Delivered',
    failed: 'Message Failed',
    undelivered: 'Message Undelivered',
    read: 'Message Read',
  },
  versions: () => ({
    1: MessageStatus3,
    2: MessageStatus3,
    3: MessageStatus3,
    4: MessageStatus4,
    5: MessageStatus5,
    6: MessageStatus6,
    7: MessageStatus6,
    // What version 8 adds is not known; it is passed on unjudged.
    8: MessageStatus6,
  }),
  customer: anyAddress('to'),
  time: { zoned: ['timestamp'] },
  resource: ['messageSid'],
  personal: { address: ['from', 'to'], content: ['body', 'tags', 'statusCallBackUrl'] },
})

// Which fields Twilio requires is not known beyond these three; live samples lack accountSid or numSegments.
export const InboundMessage1 = z.looseObject({
  messageSid: text('SID of the message (SM… or MM…)'),
  from: address('The sender: the customer'),
  to: party("The recipient: the business's own number, short code or channel address"),
  timestamp: optional('text', 'Time of the event, ISO 8601'),
  accountSid: optional('text', 'SID of the account that received the message'),
  eventName: optional('text', 'The event type once more'),
  body: optional('text', 'Text of the message'),
  numSegments: optional('integer', 'How many segments the message has'),
  numMedia: optional('integer', 'How many media files came with the message'),
  toCountry: optional('text', "Country of the recipient's number"),
  toState: optional('text', "State of the recipient's number"),
  toCity: optional('text', "City of the recipient's number"),
  toZip: optional('text', "Postal code of the recipient's number"),
  fromCountry: optional('text', "Country of the sender's number"),
  fromState: optional('text', "State of the sender's number"),
  fromCity: optional('text', "City of the sender's number"),
  fromZip: optional('text', "Postal code of the sender's number"),
})
// Which of the versions 2 to 6 brought which field is not known, so all of them are judged by the sum.
export const InboundMessage2 = InboundMessage1.extend({
  mnc: optional('text', 'Mobile network code'),
  mcc: optional('text', 'Mobile country code'),
  messagingServiceSid: optional('text', 'SID of the messaging service, when the message came through one'),
  recipients: optional('textList', 'The other recipients of a group message'),
  optOutType: optional('text', 'STOP, START or HELP, when the message was such a keyword'),
  referralCtwaClid: optional('text', 'Click-to-WhatsApp ad click'),
})
export type InboundMessage = z.infer<typeof InboundMessage2>

/** `from` is the customer: Twilio's own schema marks it `identityType: phone`. */
export const inboundMessage = defineFamily({
  schema: 'Messaging.InboundMessageV1',
  description: 'A message was received',
  group: 'Messaging',
  prefix: 'com.twilio.messaging.inbound-message.',
  types: { received: 'Message Received' },
  versions: () => ({
    1: InboundMessage1,
    2: InboundMessage2,
    3: InboundMessage2,
    4: InboundMessage2,
    5: InboundMessage2,
    6: InboundMessage2,
  }),
  customer: anyAddress('from'),
  time: { zoned: ['timestamp'] },
  resource: ['messageSid'],
  personal: {
    address: ['from', 'to', 'recipients'],
    content: ['body'],
    place: ['toCity', 'toState', 'toZip', 'toCountry', 'fromCity', 'fromState', 'fromZip', 'fromCountry'],
  },
})
