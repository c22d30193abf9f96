/** What the debugger page and a person's tools ask: queries checked here, answered by the desk. */
import { type Context, Hono } from 'hono'
import * as z from 'zod'
import type { Changed } from '../desk.ts'
import type { Backroom } from '../ports.ts'
import { deadLetterStates, states } from '../reasons.ts'
import { createCarryApi } from './carry-api.ts'
import { toEventJson, toSummaryJson } from './event-json.ts'

/** Strict: a misspelt filter that is ignored would list, or drop, what nobody asked for. */
const EventsQuery = z.strictObject({
  state: z.enum(states).optional(),
  type: z.string().max(200).optional(),
  reason: z.string().max(100).optional(),
  q: z.string().max(200).optional(),
  before: z
    .string()
    .regex(/^[\w.-]{1,2000}$/, 'the `next` of an earlier answer')
    .optional(),
  limit: z.coerce.number().pipe(z.int().min(1).max(500)).default(50),
})
const NoticesQuery = z.strictObject({ limit: z.coerce.number().pipe(z.int().min(1).max(1_000)).default(100) })
const DropFilter = z.strictObject({
  state: z.enum(deadLetterStates).optional(),
  reason: z.string().max(100).optional(),
  type: z.string().max(200).optional(),
})
/** What was skipped may be sent after all: its type may have a family now. */
const filters = {
  drop: DropFilter,
  retry: DropFilter.extend({ state: z.enum([...deadLetterStates, 'skipped']).optional() }),
} as const

export function createApi(backroom: Backroom): Hono {
  const api = new Hono()

  api.get('/stats', async c => c.json(await backroom.stats()))

  api.get('/notices', async c => {
    const query = NoticesQuery.safeParse(c.req.query())
    if (!query.success) return wrong(c, query.error)
    return c.json({ notices: await backroom.notices(query.data.limit) })
  })

  api.get('/events', async c => {
    const query = EventsQuery.safeParse(c.req.query())
    if (!query.success) return wrong(c, query.error)
    const { events, next } = await backroom.events(query.data)
    return c.json({ events: events.map(toSummaryJson), next: next ?? null })
  })

  api.get('/events/:key', async c => {
    const event = await backroom.event(c.req.param('key'))
    if (!event) return c.json({ error: 'not_found', message: 'There is no event of this key' }, 404)
    return c.body(toEventJson(event), 200, { 'content-type': 'application/json' })
  })

  api.post('/events/:key/retry', async c => changed(c, await backroom.retry(c.req.param('key'))))
  api.post('/events/:key/drop', async c => changed(c, await backroom.drop(c.req.param('key'))))

  for (const action of ['retry', 'drop'] as const) {
    api.post(`/dead-letters/${action}`, async c => {
      const text = await c.req.text()
      const filter = filters[action].safeParse(text === '' ? c.req.query() : parse(text))
      if (!filter.success) return wrong(c, filter.error)
      return c.json(await backroom.changeMany(action, filter.data))
    })
  }
  if (backroom.carrier) api.route('/', createCarryApi(backroom.carrier))
  return api
}

function changed(c: Context, result: Changed): Response {
  if (result.done) return c.json(result)
  return c.json(result, result.reason === 'not_found' ? 404 : 409)
}

export function wrong(c: Context, error: z.ZodError): Response {
  const faults = error.issues.map(({ path, message }) => ({ path: path.join('.'), message }))
  return c.json({ error: 'wrong_query', message: 'The request is not understood', faults }, 400)
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}
