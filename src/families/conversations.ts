/**
 * Conversations (classic). A customer takes part by an address (a number, a channel, an e-mail); who takes part by an identity
 * of the app may be a customer or an agent, so an identity counts through USER_ID_FROM alone. Pure data.
 */
import * as z from 'zod'
import { defineFamily, type Family, upTo } from './family.ts'
import { optionals } from './fields.ts'
import {
  address,
  type CustomerRule,
  nobody,
  optIn,
  type Personal,
  type Subscribe,
  type TimeRule,
} from './rules.ts'

const PREFIX = 'com.twilio.conversations.'
const change = optIn('a change, on request; what was added is subscribed')
const agents = optIn('agents are users too: an identity counts through USER_ID_FROM alone')

const ids = {
  ...optionals('text', {
    AccountSid: 'SID of the account',
    ConversationSid: 'SID of the conversation (CH…)',
    DateCreated: 'When it was added, ISO 8601',
    DateUpdated: 'When it was updated, ISO 8601',
    DateRemoved: 'When it was removed, ISO 8601',
  }),
}
const conversationFields = () => ({
  ...ids,
  ...optionals('text', {
    FriendlyName: 'Name of the conversation',
    UniqueName: 'Unique name of the conversation',
    State: 'active, inactive or closed',
    MessagingServiceSid: 'SID of the messaging service',
    MessageBody: 'Text of the first message',
    MessageSubject: 'Subject of the first message',
    Author: 'Who began it',
    Attributes: 'Attributes, JSON in a text',
  }),
  ...optionals('object', {
    MessagingBinding: "The customer's address and the business's own",
    Bindings: 'Bindings by channel',
  }),
})
const messageFields = () => ({
  ...ids,
  ...optionals('text', {
    Author: 'Who wrote it: an address, or an identity of the app',
    ParticipantSid: 'SID of the participant (MB…)',
    MessageSid: 'SID of the message (IM…)',
    MessageBody: 'Text of the message',
    MessageSubject: 'Subject of the message',
    MessagingServiceSid: 'SID of the messaging service',
    ContentSid: 'SID of the content template',
    Attributes: 'Attributes, JSON in a text',
  }),
  ...optionals('integer', { Index: 'Place in the conversation' }),
  ...optionals('list', { Media: 'Its files: SID, name, type, size' }),
})
const participantFields = () => ({
  ...ids,
  ...optionals('text', {
    ParticipantSid: 'SID of the participant (MB…)',
    Identity: 'Identity in the app, when it is a chat participant',
    RoleSid: 'SID of the role',
    Attributes: 'Attributes, JSON in a text',
  }),
  ...optionals('object', { MessagingBinding: "The participant's address and the business's own" }),
})
const userFields = () => ({
  ...ids,
  ...optionals('text', {
    UserSid: 'SID of the user (US…)',
    ChatServiceSid: 'SID of the service (IS…)',
    Identity: 'Identity in the app',
    FriendlyName: 'Name of the user',
    RoleSid: 'SID of the role',
    Attributes: 'Attributes, JSON in a text',
  }),
})
const deliveryFields = () => ({
  ...ids,
  ...optionals('text', {
    ChatServiceSid: 'SID of the service (IS…)',
    MessageSid: 'SID of the message (IM…)',
    DeliveryReceiptSid: 'SID of the receipt',
    ChannelMessageSid: 'SID of the message on its channel',
    ParticipantSid: 'SID of the participant (MB…)',
    Status: 'Status of the delivery',
  }),
  ...optionals('integerOrText', { ErrorCode: "Twilio's error code" }),
})

const binding: Personal = {
  address: [
    ...['Address', 'AuthorAddress', 'ProxyAddress', 'ProjectedAddress'].map(
      name => `MessagingBinding.${name}`,
    ),
    ...['Bindings.*.ProjectedAddress', 'Author'],
  ],
  name: ['FriendlyName', 'UniqueName', 'Identity', 'MessagingBinding.Name', 'Bindings.*.Name'],
  content: ['MessageBody', 'MessageSubject', 'Media', 'Attributes'],
}

type About = {
  readonly name: string
  readonly schema: string
  readonly fields: () => z.core.$ZodLooseShape
  readonly customer: CustomerRule
  readonly resource: string
  readonly time: TimeRule
  readonly subscribe?: Subscribe
}

const define = (type: string, { name, schema, fields, customer, resource, time, subscribe }: About): Family =>
  defineFamily({
    schema: `Conversations.${schema}`,
    group: 'Conversations',
    description: 'A conversation, a participant, a message or a user was added or changed',
    prefix: PREFIX,
    types: { [type]: name },
    versions: () => upTo(2, z.looseObject(fields())),
    ...{ customer, resource: [resource], time, personal: binding },
    ...(subscribe && { subscribe }),
  })

const conversation = {
  fields: conversationFields,
  customer: address('MessagingBinding.Address', 'MessagingBinding.AuthorAddress'),
  resource: 'ConversationSid',
}
const message = { fields: messageFields, customer: address('Author'), resource: 'MessageSid' }
const participant = {
  fields: participantFields,
  customer: address('MessagingBinding.Address'),
  resource: 'ParticipantSid',
}
const user = { fields: userFields, customer: nobody, resource: 'UserSid', subscribe: agents }
const added: TimeRule = ['DateCreated']
const updated: TimeRule = ['DateUpdated']
const removed: TimeRule = ['DateRemoved', 'DateUpdated']

export const conversations: readonly Family[] = [
  define('conversation.added', {
    ...{ ...conversation, name: 'Conversation Started', schema: 'ConversationAdded', time: added },
    subscribe: optIn('participant.added, which is subscribed, names the customer'),
  }),
  define('conversation.updated', {
    ...{ ...conversation, name: 'Conversation Updated', schema: 'ConversationUpdated', time: updated },
    subscribe: change,
  }),
  define('conversation.removed', {
    ...{ ...conversation, name: 'Conversation Removed', schema: 'ConversationRemoved', time: removed },
    subscribe: change,
  }),
  define('conversation-state.updated', {
    ...{ ...conversation, name: 'Conversation State Updated', schema: 'ConversationStateUpdated' },
    ...{ time: updated, subscribe: change },
  }),
  define('message.added', {
    ...{ ...message, name: 'Conversation Message Added', schema: 'MessageAdded', time: added },
  }),
  define('message.updated', {
    ...{ ...message, name: 'Conversation Message Updated', schema: 'MessageUpdated', time: updated },
    subscribe: change,
  }),
  define('message.removed', {
    ...{ ...message, name: 'Conversation Message Removed', schema: 'MessageRemoved', time: removed },
    subscribe: change,
  }),
  define('participant.added', {
    ...{ ...participant, name: 'Participant Added', schema: 'ParticipantAdded', time: added },
  }),
  define('participant.updated', {
    ...{ ...participant, name: 'Participant Updated', schema: 'ParticipantUpdated', time: updated },
    subscribe: change,
  }),
  define('participant.removed', {
    ...{ ...participant, name: 'Participant Removed', schema: 'ParticipantRemoved', time: removed },
    subscribe: change,
  }),
  define('user.added', { ...user, name: 'Conversation User Added', schema: 'UserAdded', time: added }),
  define('user.updated', {
    ...user,
    name: 'Conversation User Updated',
    schema: 'UserUpdated',
    time: updated,
  }),
  define('delivery.updated', {
    ...{ name: 'Conversation Delivery Updated', schema: 'DeliveryUpdated', time: updated },
    ...{ fields: deliveryFields, customer: nobody, resource: 'MessageSid' },
    subscribe: optIn('Twilio no longer sends it'),
  }),
]
