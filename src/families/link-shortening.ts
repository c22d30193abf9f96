/** Shortened links in messages. Clicks come from previewers and scanners too, not from people alone. Pure data. */
import * as z from 'zod'
import { defineFamily, upTo } from './family.ts'
import { optionals, text } from './fields.ts'
import { anyAddress, optIn } from './rules.ts'

const shared = {
  group: 'Link Shortening',
  prefix: 'com.twilio.daptbt.link-shortening.',
  customer: anyAddress('to'),
  resource: ['message_sid'],
  personal: { address: ['to', 'from'], content: ['link', 'shortened_link'], device: ['user_agent'] },
} as const

const sent = {
  message_sid: text('SID of the message (SM… or MM…)'),
  ...optionals('text', {
    account_sid: 'SID of the account that sent the message',
    messaging_service_sid: 'SID of the messaging service',
    to: 'The recipient of the message: the customer',
    from: "The sender: the business's own number",
    link: 'The address that was shortened',
    shortened_link: 'The shortened address',
    link_create_time: 'When the link was shortened, ISO 8601',
  }),
}

export const linkClicked = defineFamily({
  ...shared,
  schema: 'DapTbt.LinkClicked',
  description: 'A shortened link in a message was opened',
  types: { 'link-clicked': 'Message Link Clicked' },
  versions: () =>
    upTo(
      3,
      z.looseObject({
        ...sent,
        ...optionals('text', {
          click_time: 'When it was opened, ISO 8601',
          user_agent: 'What opened it',
        }),
      }),
    ),
  time: ['click_time'],
})

export const linkShortened = defineFamily({
  ...shared,
  schema: 'DapTbt.LinkShortened',
  description: 'A link in a message was shortened',
  types: { 'link-shortened': 'Message Link Shortened' },
  versions: () => upTo(1, z.looseObject(sent)),
  time: ['link_create_time'],
  subscribe: optIn('one more event for each message that holds a link'),
})
