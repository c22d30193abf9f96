/** Message templates: what WhatsApp decides about them. Pure data. */
import * as z from 'zod'
import { defineFamily, upTo } from './family.ts'
import { optionals } from './fields.ts'
import { optIn } from './rules.ts'

export const templateApproval = defineFamily({
  schema: 'Messaging.ApprovalUpdated',
  group: 'Message Templates',
  description: 'The approval, category or quality of a message template changed',
  prefix: 'com.twilio.messaging.template.approval.',
  types: { updated: 'Template Approval Updated' },
  versions: () =>
    upTo(
      1,
      z.looseObject({
        ...optionals('text', {
          type: 'What changed: status_update, category_update, quality_update, …',
          accountSid: 'SID of the account',
          dateUpdated: 'When it changed, ISO 8601',
          channel: 'The channel that decided',
        }),
        ...optionals('object', {
          template: 'The template: sid, names, language, previous and current value',
        }),
      }),
    ),
  time: ['dateUpdated'],
  resource: ['template.sid'],
  personal: {},
  subscribe: optIn('about the account, not about a customer'),
})
