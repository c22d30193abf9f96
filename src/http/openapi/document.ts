/** The operations → a document of OpenAPI 3.1, `GET /api/openapi.json`. Pure. */
import * as z from 'zod'
import { version } from '../../version.ts'
import { Failure } from './answers.ts'
import { type Answer, type Operation, operations } from './operations.ts'

type Json = Readonly<Record<string, unknown>>
const Json = z.record(z.string(), z.unknown())

const keys = {
  admin: [{ adminToken: [] }, { session: [] }],
  metrics: [{ metricsToken: [] }, { adminToken: [] }],
  signature: [{ twilioSignature: [] }],
  none: [],
} as const

const securitySchemes: Json = {
  adminToken: { type: 'http', scheme: 'bearer', description: 'ADMIN_TOKEN' },
  metricsToken: { type: 'http', scheme: 'bearer', description: 'METRICS_TOKEN: opens /metrics alone' },
  session: {
    type: 'apiKey',
    in: 'cookie',
    name: '__Host-bridge_session',
    description: 'From POST /api/login; over plain HTTP without the prefix `__Host-`',
  },
  twilioSignature: {
    type: 'apiKey',
    in: 'header',
    name: 'X-Twilio-Signature',
    description: 'Made by Twilio with the auth token or a SharedKey',
  },
}

let made: Json | undefined
/** Made when it is first asked for: few ever ask. */
export const readDocument = (): Json => (made ??= toDocument())

export function toDocument(): Json {
  const components = createComponents()
  const paths: Record<string, Record<string, Json>> = {}
  for (const operation of operations)
    paths[operation.path] = {
      ...paths[operation.path],
      [operation.method]: toOperation(operation, components.toSchema),
    }
  return {
    openapi: '3.1.0',
    info: {
      title: 'twilio-segment-bridge',
      version,
      description:
        'Twilio Event Streams to Segment. Unknown query parameters and fields are errors; new fields may be added to answers.',
      license: { name: 'MIT', identifier: 'MIT' },
    },
    servers: [{ url: '/', description: 'This bridge' }],
    security: keys.admin,
    paths,
    components: { schemas: components.schemas, securitySchemes },
  }
}

type ToSchema = (schema: z.ZodType) => Json

function toOperation(
  { method, path, summary, query, body, isBodyOptional = false, answers, key = 'admin' }: Operation,
  toSchema: ToSchema,
): Json {
  const inPath = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => ({
    ...{ name, in: 'path', required: true, schema: { type: 'string' } },
  }))
  const takes = query !== undefined || body !== undefined
  const all: Readonly<Record<number, Answer>> = {
    ...(takes && key === 'admin' && { 400: { about: 'Not understood: each fault', schema: Failure } }),
    ...(key !== 'none' &&
      key !== 'signature' && { 401: { about: 'No key, or a wrong one', schema: Failure } }),
    ...(key === 'admin' && { 503: { about: 'The outbox cannot be read or written', schema: Failure } }),
    ...answers,
  }
  return {
    operationId: toId(method, path),
    summary,
    ...(key !== 'admin' && { security: keys[key] }),
    ...((query || inPath.length > 0) && {
      parameters: [...inPath, ...(query ? toParameters(toSchema(query)) : [])],
    }),
    ...(body && {
      requestBody: {
        required: !isBodyOptional,
        content:
          typeof body === 'string'
            ? { [body]: { schema: { type: 'string' } } }
            : { 'application/json': { schema: toSchema(body) } },
      },
    }),
    responses: Object.fromEntries(
      Object.entries(all).map(([status, answer]) => [status, toAnswer(answer, toSchema)]),
    ),
  }
}

function toAnswer({ about, schema, type = 'application/json' }: Answer, toSchema: ToSchema): Json {
  if (!schema && type === 'application/json') return { description: about }
  return {
    description: about,
    content: { [type]: { schema: schema ? toSchema(schema) : { type: 'string' } } },
  }
}

function toParameters({ properties, required = [] }: Json): Json[] {
  const isRequired = z.array(z.string()).parse(required)
  return Object.entries(Json.parse(properties)).map(([name, given]) => {
    const { description, ...schema } = Json.parse(given)
    return {
      ...{ name, in: 'query', required: isRequired.includes(name), schema },
      ...(description !== undefined && { description }),
    }
  })
}

/** `GET /api/events/{key}` → `getEventsByKey`. */
function toId(method: string, path: string): string {
  const words = path.replace(/^\/(api\/)?/, '').split(/[/.-]/)
  return (
    method +
    words
      .map(word => word.replace(/^\{(\w+)\}$/, 'by-$1'))
      .flatMap(word => word.split('-'))
      .map(word => word.replace(/^./, first => first.toUpperCase()))
      .join('')
  )
}

/** What has an id stands there once, and is referred to. */
function createComponents(): { readonly schemas: Record<string, unknown>; readonly toSchema: ToSchema } {
  const schemas: Record<string, unknown> = {}
  return {
    schemas,
    toSchema(schema) {
      const converted = z.toJSONSchema(schema, {
        io: 'input',
        unrepresentable: 'any',
        override({ jsonSchema }) {
          // Nobody reads it, and `format` says the same.
          if (jsonSchema.format === 'date-time') delete jsonSchema.pattern
          // Of a flag, which is text in a URL.
          if (jsonSchema.type === 'string' && jsonSchema.default === false) jsonSchema.default = 'false'
        },
      })
      const text = JSON.stringify(converted).replaceAll('"#/$defs/', '"#/components/schemas/')
      const { $schema: _, $defs, id, ...whole } = Json.parse(JSON.parse(text))
      for (const [name, given] of Object.entries(Json.parse($defs ?? {}))) {
        const { id: _, ...definition } = Json.parse(given)
        schemas[name] = definition
      }
      if (typeof id !== 'string') return whole
      schemas[id] = whole
      return { $ref: `#/components/schemas/${id}` }
    },
  }
}
