/** The settings of mapping: who an event's customer is, and what it is called. Part of config.ts. Pure. */
import * as z from 'zod'

const toList = (text: string) =>
  text
    .split(',')
    .map(item => item.trim())
    .filter(item => item !== '')

const addressKeys = 'customerAddress,customers.phone,customers.email'
export const defaultAddressKeys = toList(addressKeys)

export const mappingSettings = {
  EVENT_NAMES: z.enum(['verbatim', 'title'], 'verbatim or title').default('verbatim').meta({
    description:
      'Names of the track calls: `verbatim` = the event type, `title` = its readable name, such as "Message Delivered"',
  }),
  USER_ID_FROM: z
    .string()
    .regex(/^\s*(\$\.)?data\.[^\s,]+(\s*,\s*(\$\.)?data\.[^\s,]+)*[\s,]*$/, {
      error: 'paths that start with data., comma-separated, such as data.tags.userId',
    })
    .optional()
    .transform((text = '') => toList(text))
    .meta({
      description:
        'Where the `userId` stands: the first of these paths that holds a text or an integer, comma-separated, such as `data.tags.userId`',
    }),
  OWN_NUMBERS: z.string().prefault('').transform(toList).meta({
    description:
      "The business's own numbers, comma-separated: never the customer. They also decide whose a forwarded call is; `npx twilio-segment-bridge sink create --own-numbers` prints them",
  }),
  NO_CUSTOMER: z.enum(['skip', 'resource'], 'skip or resource').default('skip').meta({
    description:
      'What becomes of an event without a customer: `skip` it, or send it with the SID of its `resource` as anonymousId (Segment bills each as a user)',
  }),
  TASK_ADDRESS_KEYS: z.string().prefault(addressKeys).transform(toList).meta({
    description:
      "Keys of a TaskRouter task's attributes that hold the customer's address, comma-separated; they come before `from` and `to`",
  }),
} as const
export type MappingSettings = {
  readonly [Name in keyof typeof mappingSettings]: z.infer<(typeof mappingSettings)[Name]>
}
