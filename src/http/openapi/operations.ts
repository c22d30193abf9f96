/** Every route with what it takes and answers. What it takes are the schemas that the routes themselves check with. */
import * as z from 'zod'
import {
  EventsQuery,
  filters,
  NoticesQuery,
  OfDestination,
  QualityQuery,
  ResendBody,
} from '../admin-routes.ts'
import { Login } from '../auth/login.ts'
import { Confirmation } from '../destinations-routes.ts'
import { RatesQuery } from '../rates-routes.ts'
import { ExportQuery, ImportQuery } from '../transfer-routes.ts'
import * as answers from './answers.ts'

export type Answer = {
  readonly about: string
  readonly schema?: z.ZodType
  /** @default application/json */
  readonly type?: string
}
export type Operation = {
  readonly method: 'get' | 'post'
  /** With `{name}` for what stands for something. */
  readonly path: string
  readonly summary: string
  readonly query?: z.ZodObject
  /** Text of a media type, or JSON of a schema. */
  readonly body?: z.ZodType | string
  readonly isBodyOptional?: boolean
  /** By status; those that all routes have in common are added. */
  readonly answers: Readonly<Record<number, Answer>>
  /** Which key opens it. @default admin */
  readonly key?: 'admin' | 'none' | 'metrics' | 'signature'
}

const ok = (schema: z.ZodType, about = 'Done'): Readonly<Record<number, Answer>> => ({
  200: { about, schema },
})
const failure = (about: string): Answer => ({ about, schema: answers.Failure })
const nothing: Answer = { about: 'Done' }
const noEvent = failure('There is no such event')
const noDestination = failure('There is no such destination')
const notNow = (about: string): Answer => ({ about, schema: answers.Changed })
const StreamQuery = z.strictObject({
  after: z.string().optional().meta({ description: 'The `cursor` of a list, or of an earlier message' }),
})

export const operations: readonly Operation[] = [
  {
    ...{ method: 'post', path: '/webhooks/twilio', key: 'signature', body: z.unknown() },
    summary: "The sink's destination: events are stored before the answer",
    answers: {
      ...ok(answers.Received, 'The events are stored'),
      403: { about: 'The signature is missing or malformed' },
      405: { about: 'Not a POST' },
      413: { about: 'An unsigned body is too large' },
      503: { about: 'Not stored: Twilio should try again' },
    },
  },
  {
    ...{
      method: 'post',
      path: '/webhooks/proxy',
      key: 'signature',
      body: 'application/x-www-form-urlencoded',
    },
    summary: "Twilio Proxy's callbackUrl and outOfSessionCallbackUrl: events are stored before the answer",
    answers: {
      ...ok(answers.Received, 'The events are stored; out of session the answer is TwiML'),
      403: { about: 'The signature is missing or malformed' },
      405: { about: 'Not a POST' },
      413: { about: 'An unsigned body is too large' },
      503: { about: 'Not stored' },
    },
  },
  {
    ...{ method: 'get', path: '/healthz', summary: 'The process is up', key: 'none' },
    answers: ok(answers.Up),
  },
  {
    ...{ method: 'get', path: '/readyz', summary: 'The outbox accepts events', key: 'none' },
    answers: { ...ok(answers.Up), 503: { about: 'It does not, and why', schema: answers.Up } },
  },
  {
    ...{ method: 'get', path: '/metrics', summary: 'The metrics, for Prometheus', key: 'metrics' },
    answers: { 200: { about: 'Text format 0.0.4', type: 'text/plain' } },
  },
  {
    ...{ method: 'get', path: '/api/openapi.json', summary: 'This document' },
    answers: ok(z.looseObject({ openapi: z.string() })),
  },
  {
    ...{ method: 'get', path: '/api/status', summary: 'What `status` prints: what is wrong, and the remedy' },
    answers: ok(answers.StatusAnswer),
  },
  {
    method: 'get',
    path: '/api/stats',
    summary:
      'Counts by state, delivery, open failures. `unsorted` is the index lag; `unreadable` names figures that could not be read',
    answers: ok(answers.Stats),
  },
  {
    method: 'get',
    path: '/api/events',
    summary: 'Events, newest first. `type` may end in `*`',
    query: EventsQuery,
    answers: ok(answers.EventList),
  },
  {
    method: 'post',
    path: '/api/events/search',
    summary: 'The same with the query as JSON, so that a phone number stands in no URL',
    body: EventsQuery,
    answers: ok(answers.EventList),
  },
  {
    method: 'get',
    path: '/api/events/{key}',
    summary:
      'One event: as received, as mapped, one delivery a destination, every attempt with its answer, each fault',
    answers: { ...ok(answers.EventDetail), 404: noEvent },
  },
  ...(
    [
      ['retry', 'Send a dead letter, a held-back or a skipped event again'],
      ['drop', 'Give a dead letter or a held-back event up: it is skipped'],
      ['resend', 'Send an event again under the same id, an accepted one too'],
    ] as const
  ).map(
    ([action, summary]): Operation => ({
      method: 'post',
      path: `/api/events/{key}/${action}`,
      summary,
      query: OfDestination,
      answers: {
        ...ok(answers.Changed),
        404: notNow('There is no such event'),
        409: notNow('Not in this state'),
      },
    }),
  ),
  {
    method: 'post',
    path: '/api/events/resend',
    summary:
      'Send again what was accepted within a time, or with `backfill` what a destination never got, a slice a call, until `next` is null',
    body: ResendBody,
    answers: ok(answers.Resent),
  },
  {
    ...{
      method: 'get',
      path: '/api/dead-letters',
      summary: 'Dead letters by reason, with counts and samples',
      query: OfDestination,
    },
    answers: ok(answers.DeadLetters),
  },
  ...(['retry', 'drop'] as const).map(
    (action): Operation => ({
      method: 'post',
      path: `/api/dead-letters/${action}`,
      summary: `${action === 'retry' ? 'Retry' : 'Drop'} all dead letters, or those that fit; \`preview\` only counts`,
      body: filters[action],
      isBodyOptional: true,
      answers: ok(answers.ChangedMany),
    }),
  ),
  {
    ...{ method: 'post', path: '/api/deliver-now', summary: 'End every wait after a failure' },
    answers: ok(answers.DeliverNow),
  },
  {
    method: 'get',
    path: '/api/destinations',
    summary: 'Each destination: deliveries by state, what fails, whether it is paused',
    answers: ok(answers.Destinations),
  },
  ...(
    [
      ['pause', 'Stop sending to a destination; its events wait', answers.Destination],
      ['resume', 'Go on sending to a destination', answers.Destination],
      ['deliver-now', 'End the wait of a destination', answers.DeliverNow],
    ] as const
  ).map(
    ([action, summary, schema]): Operation => ({
      method: 'post',
      path: `/api/destinations/{name}/${action}`,
      summary,
      answers: { ...ok(schema), 404: noDestination },
    }),
  ),
  {
    method: 'post',
    path: '/api/destinations/confirm',
    summary: 'Confirm a change of the destinations that waits for a person',
    body: Confirmation,
    answers: { ...ok(answers.Confirmed), 409: failure('No change waits by this hash') },
  },
  {
    method: 'post',
    path: '/api/confirm-arrival',
    summary: 'Say that a person has seen events arrive at the destination',
    answers: { ...ok(answers.Confirmed), 409: failure('A dry run: nothing is sent') },
  },
  {
    method: 'get',
    path: '/api/quality',
    summary: 'Data quality by type and version: schema, completeness, duplicates, identities, volume',
    query: QualityQuery,
    answers: ok(answers.Quality),
  },
  {
    method: 'get',
    path: '/api/rates',
    summary: 'Events per second, in and out: the last hour by minute, the rest by hour',
    query: RatesQuery,
    answers: ok(answers.Rates),
  },
  {
    ...{
      method: 'get',
      path: '/api/notices',
      summary: 'The notices sent, newest first',
      query: NoticesQuery,
    },
    answers: ok(answers.Notices),
  },
  {
    method: 'get',
    path: '/api/stream',
    summary:
      'Server-sent events, about once a second: new events, changes of state, figures, the rate of the last minute',
    query: StreamQuery,
    answers: {
      200: { about: 'Events `pulse`; `id` is the cursor to go on after', type: 'text/event-stream' },
      503: failure('Too many streams are open, or the bridge is stopping'),
    },
  },
  {
    method: 'get',
    path: '/api/export',
    summary: 'Events with state and reason. On Workers in parts, each ended by `{"bridge":1,"next":"…"}`',
    query: ExportQuery,
    answers: {
      200: { about: 'One event a line', type: 'application/x-ndjson' },
      503: failure('The outbox cannot be read'),
    },
  },
  {
    method: 'post',
    path: '/api/import',
    summary: 'Events, or lines of an export, as NDJSON or an array: at most 16 MiB and 50,000 events',
    query: ImportQuery,
    body: 'application/x-ndjson',
    answers: {
      ...ok(answers.Imported),
      413: failure('Too large, or cut off'),
      503: failure('Nothing more was stored'),
    },
  },
  {
    ...{ method: 'get', path: '/api/reasons', summary: 'Every reason in words, with its remedy' },
    answers: ok(answers.Reasons),
  },
  {
    ...{ method: 'get', path: '/api/about', summary: 'Which bridge this is and how it is set up; no secret' },
    answers: ok(answers.About),
  },
  {
    ...{
      method: 'post',
      path: '/api/login',
      summary: 'The admin token for a cookie',
      body: Login,
      key: 'none',
    },
    answers: {
      204: nothing,
      400: failure('Not a login'),
      401: failure('Wrong token'),
      403: failure('From the page of another site'),
      413: failure('Too large'),
      415: failure('Not JSON'),
      429: failure('Too many wrong tokens'),
    },
  },
  {
    ...{ method: 'post', path: '/api/logout', summary: 'End the session of the cookie', key: 'none' },
    answers: { 204: nothing, 403: failure('From the page of another site') },
  },
  {
    ...{ method: 'get', path: '/api/session', summary: 'How the caller is logged in', key: 'none' },
    answers: ok(answers.Session),
  },
]
