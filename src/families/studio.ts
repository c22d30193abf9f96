/** Flows of Studio. A step holds no address: only its execution says whose it is. Pure data. */
import * as z from 'zod'
import { defineFamily, upTo } from './family.ts'
import { optionals, text } from './fields.ts'
import { address, optIn } from './rules.ts'

const PREFIX = 'com.twilio.studio.flow.'

export const flowExecution = defineFamily({
  schema: 'Studio.FlowExecutionEvent',
  group: 'Studio',
  description: 'A flow was started or ended for a contact',
  prefix: PREFIX,
  types: {
    'execution.started': { name: 'Flow Started', time: ['date_created'] },
    'execution.ended': 'Flow Ended',
  },
  versions: () =>
    upTo(
      2,
      z.looseObject({
        execution_sid: text('SID of the execution (FN…)'),
        account_sid: text('SID of the account'),
        flow_sid: text('SID of the flow (FW…)'),
        ...optionals('text', {
          contact_channel_address: 'The contact: a number or another address',
          status: 'active or ended',
          ended_reason: 'Why it ended',
          date_created: 'When it was started, ISO 8601',
          date_updated: 'When it changed last, ISO 8601',
          started_by: 'SID of the call or message that started it',
        }),
        ...optionals('integer', { flow_revision: 'Revision of the flow' }),
      }),
    ),
  customer: address('contact_channel_address'),
  time: ['date_updated', 'date_created'],
  resource: ['execution_sid'],
  personal: { address: ['contact_channel_address'] },
})

export const flowStep = defineFamily({
  schema: 'Studio.FlowStepEvent',
  group: 'Studio',
  description: 'A step of a flow ended',
  prefix: PREFIX,
  types: { 'step.ended': 'Flow Step Ended' },
  versions: () =>
    upTo(
      2,
      z.looseObject({
        ...optionals('text', {
          parent_step_sid: 'SID of the parent step',
          step_sid: 'SID of the step (FT…)',
          execution_sid: 'SID of the execution (FN…)',
          account_sid: 'SID of the account',
          flow_sid: 'SID of the flow (FW…)',
          name: 'Name of the step',
          transitioned_from: 'The widget before',
          transitioned_to: 'The widget after',
          date_created: 'When it ended, ISO 8601',
        }),
      }),
    ),
  time: ['date_created'],
  resource: ['execution_sid', 'step_sid'],
  personal: { name: ['name'] },
  subscribe: optIn('one for each step of a flow, and none names a customer'),
})
