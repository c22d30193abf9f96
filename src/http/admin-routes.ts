/** What the debugger page and a person's tools ask: queries checked here, answered by the admin. */

import { type Context, type Handler, Hono } from 'hono'
import * as z from 'zod'
import type { Changed } from '../admin/change-event.ts'
import type { AdminClient } from '../bridge.ts'
import type { Mapping } from '../event/mapping.ts'
import { deadLetterStates, states } from '../reasons.ts'
import { toQuality, toSpan, windows } from '../stats/quality.ts'
import { type About, reasonsJson } from './about.ts'
import { badRequest } from './bad-request.ts'
import { createDestinationsApi, unknownDestination } from './destinations-routes.ts'
import { toEventJson, toIso, toSummaryJson } from './event-json.ts'
import { createTransferApi } from './transfer-routes.ts'

/** Strict: a misspelt filter that is ignored would list, or drop, what nobody asked for. */
/** Of a destination; one that there never was is told of by `unknownDestination`. */
const destination = z.string().max(100).optional()
export const EventsQuery = z.strictObject({
  destination,
  state: z
    .enum(states, `one of ${states.join(', ')}; for events held back: state=pending&reason=held_back`)
    .optional(),
  type: z.string().max(200).optional(),
  reason: z.string().max(100).optional(),
  q: z.string().max(200).optional(),
  before: z
    .string()
    .regex(/^[\w.-]{1,2000}$/, 'the `next` of an earlier answer')
    .optional(),
  limit: z.coerce.number().int().min(1).max(500).default(50),
})
export const NoticesQuery = z.strictObject({ limit: z.coerce.number().int().min(1).max(1_000).default(100) })
export const QualityQuery = z.strictObject({ window: z.enum(windows).default('24h') })
export const OfDestination = z.strictObject({ destination })
const DropFilter = z.strictObject({
  destination,
  state: z.enum([...deadLetterStates, 'held']).optional(),
  reason: z.string().max(100).optional(),
  type: z.string().max(200).optional(),
  preview: z.boolean().optional(),
})
/** What was skipped may be sent after all: its type may have a family now. */
export const filters = {
  drop: DropFilter,
  retry: DropFilter.extend({ state: z.enum([...deadLetterStates, 'held', 'skipped']).optional() }),
} as const

const time = z.iso
  .datetime({ offset: true, error: 'a time such as 2026-11-22T00:00:00Z' })
  .transform(text => Date.parse(text))
export const ResendBody = z
  .strictObject({
    destination,
    since: time,
    until: time.optional(),
    type: z.string().max(200).optional(),
    /** To the events that the destination never got, by the time they were received. */
    backfill: z.boolean().optional(),
    preview: z.boolean().optional(),
    /** The `next` of the answer before, with everything else as it was. */
    after: z
      .string()
      .regex(/^[\w.-]{1,100}$/, 'the `next` of an earlier answer')
      .optional(),
  })
  .refine(({ backfill, destination: to }) => !backfill || to !== undefined, {
    path: ['destination'],
    error: 'a backfill needs one',
  })

/** What only a bridge that is served has. */
export type Served = {
  readonly about: About
  readonly stream: Handler
  /** Pages of events in one answer of an export, for a host that counts them. @default without end */
  readonly exportPages?: number | undefined
}

/** `mapping`: by the settings of this bridge. */
export function createApi(admin: AdminClient, mapping: Mapping, served?: Served): Hono {
  const api = new Hono()

  if (served) {
    api.get('/about', c => c.json(served.about))
    api.get('/stream', served.stream)
  }
  api.get('/reasons', c => c.json(reasonsJson))

  api.get('/stats', async c => c.json(await admin.stats()))

  api.get('/notices', async c => {
    const query = NoticesQuery.safeParse(c.req.query())
    if (!query.success) return badRequest(c, query.error)
    return c.json({ notices: await admin.notices(query.data.limit) })
  })

  api.get('/quality', async c => {
    const query = QualityQuery.safeParse(c.req.query())
    if (!query.success) return badRequest(c, query.error)
    const { window } = query.data
    const now = Date.now()
    const { kinds, unreadable } = await admin.quality(toSpan(window, now))
    return c.json({ ...toQuality(window, now, kinds), ...(unreadable && { unreadable }) })
  })

  async function list(c: Context, asked: unknown): Promise<Response> {
    const query = EventsQuery.safeParse(asked)
    if (!query.success) return badRequest(c, query.error)
    const unknown = await unknownDestination(c, admin, query.data.destination)
    if (unknown) return unknown
    const { events, next, reachedAt, cursor, unsorted, unreadable } = await admin.events(query.data)
    return c.json({
      events: events.map(toSummaryJson),
      next: next ?? null,
      reachedAt: toIso(reachedAt),
      cursor,
      unsorted,
      ...(unreadable && { unreadable }),
    })
  }
  api.get('/events', c => list(c, c.req.query()))
  // A phone number that is searched for must not stand in a URL, which logs and histories keep.
  api.post('/events/search', async c => list(c, parse(await c.req.text())))

  api.get('/events/:key', async c => {
    const event = await admin.event(c.req.param('key'))
    if (!event) return c.json({ error: 'not_found', message: 'Event not found' }, 404)
    return c.body(toEventJson(event), 200, { 'content-type': 'application/json' })
  })

  for (const action of ['retry', 'drop', 'resend'] as const) {
    api.post(`/events/:key/${action}`, async c => {
      const query = OfDestination.safeParse(c.req.query())
      if (!query.success) return badRequest(c, query.error)
      const unknown = await unknownDestination(c, admin, query.data.destination)
      if (unknown) return unknown
      return changed(c, await admin[action](c.req.param('key') ?? '', query.data.destination))
    })
  }
  api.post('/events/resend', async c => {
    const query = ResendBody.safeParse(parse(await c.req.text()))
    if (!query.success) return badRequest(c, query.error)
    const unknown = await unknownDestination(
      c,
      admin,
      query.data.destination,
      query.data.backfill ? 'open' : 'all',
    )
    if (unknown) return unknown
    // What is sent again now must not be matched once more by the next call.
    const until = query.data.until ?? Date.now()
    const { next, ...resent } = await admin.resendMany({ ...query.data, until })
    return c.json({ ...resent, until: toIso(until), next: next ?? null })
  })

  api.post('/deliver-now', async c => c.json(await admin.deliverNow()))

  api.get('/dead-letters', async c => {
    const query = OfDestination.safeParse(c.req.query())
    if (!query.success) return badRequest(c, query.error)
    const unknown = await unknownDestination(c, admin, query.data.destination)
    if (unknown) return unknown
    const { groups, unsorted, unreadable } = await admin.deadLetters(query.data.destination)
    return c.json({
      unsorted,
      ...(unreadable && { unreadable }),
      groups: groups.map(({ samples, ...group }) => ({ ...group, samples: samples.map(toSummaryJson) })),
    })
  })

  for (const action of ['retry', 'drop'] as const) {
    api.post(`/dead-letters/${action}`, async c => {
      const text = await c.req.text()
      const filter = filters[action].safeParse(text === '' ? c.req.query() : parse(text))
      if (!filter.success) return badRequest(c, filter.error)
      const unknown = await unknownDestination(c, admin, filter.data.destination)
      if (unknown) return unknown
      return c.json(await admin.changeMany(action, filter.data))
    })
  }
  api.route('/', createDestinationsApi(admin))
  api.route('/', createTransferApi(admin, mapping, served?.exportPages))
  return api
}

function changed(c: Context, result: Changed): Response {
  if (result.done) return c.json(result)
  return c.json(result, result.reason === 'not_found' ? 404 : 409)
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}
