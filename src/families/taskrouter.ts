/**
 * Tasks, reservations, workers, queues and workflows of TaskRouter. The customer stands in the attributes of the task, which
 * are free JSON in a text; a worker is an employee and never the customer. Pure data.
 */
import * as z from 'zod'
import { defineFamily, upTo } from './family.ts'
import { optionals } from './fields.ts'
import { address, choice, configured, first, inside, nobody, optIn } from './rules.ts'

const from = first(address('from'), address('caller'))
const to = first(address('to'), address('called'), address('outbound_to'))

const detail = optIn('one of 10 to 20 events for each task; created, completed and canceled are subscribed')
const worker = {
  customer: nobody,
  resource: ['payload.worker_sid'],
  subscribe: optIn('about an employee, not about a customer'),
}
const queue = {
  customer: nobody,
  resource: ['payload.task_queue_sid'],
  subscribe: optIn('about the settings of a queue, not about a customer'),
}
const onRequest = (name: string) => ({ name, subscribe: detail })

export const taskRouter = defineFamily({
  schema: 'TaskRouter.WDSEvent',
  group: 'TaskRouter',
  description: 'Something happened to a task, a worker or a queue',
  prefix: 'com.twilio.taskrouter.',
  types: {
    'task.created': 'Task Created',
    'task.updated': onRequest('Task Updated'),
    'task.canceled': 'Task Canceled',
    'task.completed': 'Task Completed',
    'task.deleted': onRequest('Task Deleted'),
    'task.system-deleted': onRequest('Task Deleted by System'),
    'task.wrapup': onRequest('Task Wrap-up Started'),
    'task.transfer-initiated': onRequest('Task Transfer Initiated'),
    'task.transfer-completed': onRequest('Task Transfer Completed'),
    'task.transfer-failed': onRequest('Task Transfer Failed'),
    'task.transfer-canceled': onRequest('Task Transfer Canceled'),
    'task.transfer-attempt-failed': onRequest('Task Transfer Attempt Failed'),
    'reservation.created': onRequest('Reservation Created'),
    'reservation.accepted': onRequest('Reservation Accepted'),
    'reservation.rejected': onRequest('Reservation Rejected'),
    'reservation.timeout': onRequest('Reservation Timed Out'),
    'reservation.canceled': onRequest('Reservation Canceled'),
    'reservation.rescinded': onRequest('Reservation Rescinded'),
    'reservation.completed': onRequest('Reservation Completed'),
    'reservation.failed': onRequest('Reservation Failed'),
    'reservation.wrapup': onRequest('Reservation Wrap-up Started'),
    'worker.created': { name: 'Worker Created', ...worker },
    'worker.deleted': { name: 'Worker Deleted', ...worker },
    'worker.activity.update': { name: 'Worker Activity Updated', ...worker },
    'worker.attributes.update': { name: 'Worker Attributes Updated', ...worker },
    'worker.capacity.update': { name: 'Worker Capacity Updated', ...worker },
    'worker.channel.availability.update': { name: 'Worker Channel Availability Updated', ...worker },
    'task-queue.created': { name: 'Task Queue Created', ...queue },
    'task-queue.deleted': { name: 'Task Queue Deleted', ...queue },
    'task-queue.expression-updated': { name: 'Task Queue Expression Updated', ...queue },
    'task-queue.entered': onRequest('Task Queue Entered'),
    'task-queue.moved': onRequest('Task Queue Moved'),
    'task-queue.timeout': onRequest('Task Queue Timed Out'),
    'workflow.entered': onRequest('Workflow Entered'),
    'workflow.rejected': onRequest('Workflow Rejected'),
    'workflow.skipped': onRequest('Workflow Skipped'),
    'workflow.target-matched': onRequest('Workflow Target Matched'),
    'workflow.timeout': onRequest('Workflow Timed Out'),
  },
  versions: () =>
    upTo(
      4,
      z.looseObject({
        ...optionals('text', {
          sid: 'SID of the event (EV…)',
          name: 'What happened, in one word',
          account_sid: 'SID of the account',
          account_friendly_name: 'Name of the account',
          parent_account_sid: 'SID of the parent account',
          parent_friendly_name: 'Name of the parent account',
          timestamp: 'Time of the event, ISO 8601',
          level: 'Level',
          group: 'What kind of thing',
          product_name: 'TaskRouter',
          publisher: 'Who published it',
          publisher_metadata: 'About the publisher, JSON in a text',
          payload_type: 'application/json',
        }),
        ...optionals('object', {
          payload: 'What happened: the task and its attributes, worker, queue, workflow',
        }),
      }),
    ),
  customer: inside(
    'payload.task_attributes',
    first(
      configured,
      choice('direction', { inbound: from, outbound: to, 'outbound-api': to, 'outbound-dial': to }, from),
    ),
  ),
  time: ['timestamp', 'payload.timestamp'],
  resource: ['payload.task_sid', 'payload.resource_sid', 'sid'],
  personal: {
    address: ['payload.task_attributes'],
    name: [
      ...['account_friendly_name', 'parent_friendly_name', 'publisher_metadata'],
      ...['worker_name', 'worker_attributes', 'workspace_name', 'event_description'].map(
        name => `payload.${name}`,
      ),
    ],
    content: ['task_completed_reason', 'task_canceled_reason', 'task_queue_target_expression'].map(
      name => `payload.${name}`,
    ),
  },
})

export const taskRouterRateLimits = defineFamily({
  schema: 'Twilio.RateLimitResults',
  group: 'TaskRouter',
  description: 'How near an account is to a rate limit of TaskRouter',
  prefix: 'com.twilio.apiusage.taskrouter.',
  types: { ratelimits: 'TaskRouter Rate Limit Reported' },
  versions: () =>
    upTo(
      2,
      z.looseObject({
        ...optionals('text', {
          account_sid: 'SID of the account',
          namespace: 'SID of the workspace (WS…)',
          resource_key: 'What is limited',
          product: 'taskrouter',
          request_sid: 'SID of the request (RQ…)',
          timestamp: 'Time of the event, ISO 8601',
        }),
        ...optionals('boolean', {
          is_default: 'Whether the limit is the default',
          rate_limited: 'Whether the request was refused',
        }),
        ...optionals('number', { current_rate: 'Requests a second' }),
        ...optionals('integer', { rate_limit: 'Most requests a second' }),
      }),
    ),
  time: ['timestamp'],
  resource: ['namespace', 'request_sid'],
  subscribe: optIn('about the account, not about a customer'),
})
