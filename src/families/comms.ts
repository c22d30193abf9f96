/**
 * The Communications API. A message sent through it also gives the classic events of com.twilio.messaging: whoever subscribes
 * to both counts each delivery twice. Pure data.
 */
import * as z from 'zod'
import { defineFamily, type Family, upTo } from './family.ts'
import { optionals } from './fields.ts'
import { addressOf, optIn } from './rules.ts'

const PREFIX = 'com.twilio.comms-api.'
const twice = optIn('the same message gives events of com.twilio.messaging too: each would be counted twice')

const operation = { ...optionals('text', { operation_id: 'Id of the operation (comms_operation_…)' }) }
const message = {
  ...operation,
  ...optionals('text', {
    message_id: 'Id of the message (comms_message_…)',
    account_sid: 'SID of the account',
    downstream_id: 'SID of the message it became (SM… or MM…)',
    attempt: 'Which attempt it was',
    error_code: "Twilio's error code, when it failed",
  }),
  ...optionals('object', {
    from: "The sender: the business's own address, and its channel",
    to: 'The recipient: address and channel',
  }),
  ...optionals('textMap', { tags: "The customer's message tags" }),
}

function operationFamily(schema: string, status: string, name: string): Family {
  return defineFamily({
    schema: `CommsApi.${schema}`,
    group: 'Comms API',
    description: 'An operation of the Communications API changed its status',
    prefix: PREFIX,
    types: { [`operation.${status}`]: name },
    versions: () => upTo(2, z.looseObject(operation)),
    resource: ['operation_id'],
    subscribe: optIn('about a bulk operation, not about a customer'),
  })
}

function messageFamily(schema: string, status: string, name: string, newest: number): Family {
  return defineFamily({
    schema: `CommsApi.${schema}`,
    group: 'Comms API',
    description: 'A message of the Communications API changed its status',
    prefix: PREFIX,
    types: { [`message.${status}`]: name },
    versions: () => upTo(newest, z.looseObject(message)),
    customer: addressOf('to'),
    resource: ['message_id', 'operation_id'],
    personal: { address: ['from', 'to'], content: ['tags'] },
    subscribe: twice,
  })
}

export const comms: readonly Family[] = [
  operationFamily('OperationProcessing', 'processing', 'Comms Operation Processing'),
  operationFamily('OperationCompleted', 'completed', 'Comms Operation Completed'),
  operationFamily('OperationScheduled', 'scheduled', 'Comms Operation Scheduled'),
  messageFamily('MessageQueued', 'queued', 'Comms Message Queued', 3),
  messageFamily('MessageSent', 'sent', 'Comms Message Sent', 4),
  messageFamily('MessageFailed', 'failed', 'Comms Message Failed', 4),
  messageFamily('MessageDelivered', 'delivered', 'Comms Message Delivered', 4),
  messageFamily('MessageUndelivered', 'undelivered', 'Comms Message Undelivered', 4),
  messageFamily('MessageRead', 'read', 'Comms Message Read', 4),
  defineFamily({
    schema: 'CommsApi.MessageInbound',
    group: 'Comms API',
    description: 'A message was received through the Communications API',
    prefix: PREFIX,
    types: { 'message.inbound-received': 'Comms Message Received' },
    versions: () =>
      upTo(2, z.looseObject({ ...message, ...optionals('text', { session_id: 'Id of the session' }) })),
    // Whether Twilio sends `from` is not known; without it nobody is named, for `to` is the business.
    customer: addressOf('from'),
    resource: ['message_id', 'operation_id'],
    personal: { address: ['from', 'to'], content: ['tags'] },
    subscribe: twice,
  }),
]
