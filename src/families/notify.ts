/** Notifications: to a number, or to a device whose token names no one. Pure data. */
import * as z from 'zod'
import { defineFamily, upTo } from './family.ts'
import { optionals } from './fields.ts'
import { address, choice, optIn } from './rules.ts'

export const notification = defineFamily({
  schema: 'Notification.Delivered',
  group: 'Notify',
  description: 'A notification was delivered',
  prefix: 'com.twilio.notify.notification.',
  types: { delivered: 'Notification Delivered' },
  versions: () =>
    upTo(
      2,
      z.looseObject({
        ...optionals('text', {
          notification_sid: 'SID of the notification',
          account_sid: 'SID of the account',
          service_sid: 'SID of the service',
        }),
        ...optionals('object', { delivery_state: 'Address or device token, its type, its status' }),
      }),
    ),
  customer: choice('delivery_state.type', { sms: address('delivery_state.address') }),
  resource: ['notification_sid'],
  personal: { address: ['delivery_state.address'] },
  subscribe: optIn('most go to a device, whose token names no customer'),
})
