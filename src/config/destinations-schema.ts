/**
 * The shape of destinations.json, as people write it: published as schemas/destinations.json. What concerns several fields, or
 * several destinations, is judged in destinations-file.ts. Pure.
 */
import * as z from 'zod'
import { readFilter } from './fql.ts'
import { receivers } from './receivers.ts'

const SECRET = /^\$\{([A-Z][A-Z0-9_]*)\}$/
const secret = (what: string) =>
  z
    .string()
    .regex(SECRET, `\${NAME}, the environment variable that holds it: secrets do not stand in the file`)
    .meta({ description: `${what}, as \${NAME} of an environment variable` })

const integer = (min: number, max: number) => {
  const error = `a whole number from ${min} to ${max}`
  return z.int(error).min(min, error).max(max, error)
}
const text = 'a text that is not empty'
const path = z
  .string()
  .regex(/^[^.]+(\.[^.]+)*$/, 'a path into the properties, its steps joined by dots, such as tags.email')
const paths = (description: string) => z.array(path).max(100, 'at most 100 paths').meta({ description })
const http = 'an http(s) origin: no path, no user, no query'
export const origin = z.url({ protocol: /^https?$/, error: http }).refine(value => {
  const parsed = URL.parse(value)
  return parsed !== null && `${parsed.origin}/` === parsed.href
}, http)

const when = z
  .string()
  .superRefine((value, context) => {
    const read = readFilter(value)
    if (!read.ok) context.addIssue({ code: 'custom', message: read.expected })
  })
  .meta({
    description:
      'FQL; only the events it is true of are sent. Asked of the track call as mapped, before names and fields change',
  })

const name = z.string().regex(/^[a-z][a-z0-9-]{0,19}$/, 'a-z, 0-9 and -, at most 20, a letter first')

const shared = {
  when: when.optional(),
  properties: z
    .strictObject({
      deny: paths('Fields that are taken out, with all below them'),
      allow: paths('If given, all other fields are taken out'),
      hash: paths('Fields whose values become their HMAC-SHA-256 with HASH_KEY, in hex'),
    })
    .partial()
    .optional()
    .meta({
      description:
        'Rules for the fields of the event, as dotted paths into nested data and into JSON in texts; of a list, each item. Order: deny, allow, hash',
    }),
  identity: z.enum(['full', 'hash', 'none'], 'full, hash or none').default('full').meta({
    description:
      'anonymousId, externalIds and userId: as mapped; hashed and without externalIds; or none. hash and none are refused unless every field that holds the customer is denied or hashed',
  }),
  group: z
    .string(text)
    .min(1, text)
    .optional()
    .meta({ description: 'Of the destinations of one group only the first that matches gets the event' }),
  paused: z.boolean('true or false').default(false).meta({
    description: 'Whether it begins paused; a pause or resume by API or command is stored and wins',
  }),
  was: name.optional().meta({
    description: 'The name it had until now: it takes over the events and messageIds of that destination',
  }),
}

const eventNames = <Value extends z.ZodType>(value: Value, description: string) =>
  z.record(z.string(), value).optional().meta({ description })

const segment = z.strictObject({
  type: z.literal('segment').meta({ description: "Any receiver of Segment's protocol" }),
  writeKey: secret('The write key')
    .optional()
    .meta({ description: 'Without it the destination runs dry: nothing is sent' }),
  receiver: z
    .enum(receivers, `one of ${receivers.join(', ')}`)
    .optional()
    .meta({
      description: 'Whose limits, headers and answers apply; known by the host unless it is said here',
    }),
  region: z.enum(['us', 'eu'], 'us or eu').optional().meta({ description: 'Of Segment or Customer.io' }),
  host: origin.optional().meta({ description: 'Origin of any receiver, instead of a region' }),
  path: z
    .string()
    .regex(/^\/\S*$/, 'a path that starts with /')
    .default('/v1/batch')
    .meta({ description: 'Path of the batch route there' }),
  headers: z
    .record(z.string().regex(/^[A-Za-z0-9!#$%&'*+.^_`|~-]+$/, 'a header name'), z.string('a text'))
    .optional()
    .meta({
      description: `More headers; a value may hold \${NAME} of an environment variable, a secret one must`,
    }),
  workspace: z
    .string(text)
    .min(1, text)
    .optional()
    .meta({ description: 'Destinations of one workspace share its rate' }),
  rate: integer(0, 1_000_000).default(1_000).meta({ description: 'Max events per second; 0 = unlimited' }),
  events: eventNames(
    z.string(text).min(1, text),
    'Event type → name, "verbatim" (the type itself) or "drop" (not sent); "*": all types that are not listed',
  ),
  consent: z
    .record(z.string(), z.boolean('true or false'))
    .optional()
    .meta({ description: 'Stamped on each call as context.consent.categoryPreferences' }),
  messageId: z.enum(['verbatim', 'tagged'], 'verbatim or tagged').optional().meta({
    description:
      "Whether the messageId is the event's id, or the id and the destination's name; verbatim for one destination of a receiver. Never changes once it was used",
  }),
  ...shared,
})

const files = z.strictObject({
  type: z.literal('files').meta({ description: 'The events as received, as NDJSON.gz by type and hour' }),
  to: z
    .string()
    .regex(
      /^(?!s3:)[^\s].*$|^s3:\/\/[a-z0-9][a-z0-9.-]{1,61}[a-z0-9](\/.*)?$/,
      'a folder, or s3://bucket/prefix',
    )
    .meta({ description: 'A folder (Node only), or s3://bucket/prefix' }),
  every: integer(10, 3_600)
    .default(300)
    .meta({ description: 'Seconds that events are gathered for one file' }),
  endpoint: origin
    .optional()
    .meta({ description: "Of S3-compatible storage; default: Amazon's of the region" }),
  region: z.string(text).min(1, text).optional().meta({ description: 'Default: us-east-1' }),
  accessKeyId: secret('The access key id of S3').optional(),
  secretAccessKey: secret('The secret access key of S3').optional(),
  events: eventNames(
    z.enum(['verbatim', 'drop'], 'verbatim or drop: a file holds the event as received'),
    'Event type → "verbatim" or "drop" (not written); "*": all types that are not listed',
  ),
  ...shared,
})

export const DestinationsFile = z
  .strictObject({
    $schema: z.string().optional(),
    destinations: z
      .record(
        name,
        z.discriminatedUnion('type', [segment, files], {
          error: ({ code }: { readonly code: string }) =>
            code === 'invalid_type' ? 'an object' : 'segment or files',
        }),
      )
      .refine(all => Object.keys(all).length > 0, 'at least one destination'),
  })
  .meta({
    $id: 'urn:twilio-segment-bridge:destinations',
    title: 'destinations.json of twilio-segment-bridge',
  })
export type DestinationsFile = z.infer<typeof DestinationsFile>

/** What may stand in an object of the file. */
export const keysOf = {
  file: Object.keys(DestinationsFile.shape),
  segment: Object.keys(segment.shape),
  files: Object.keys(files.shape),
  properties: ['deny', 'allow', 'hash'],
} as const
