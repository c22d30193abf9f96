/** `GET /destinations`, and what a person may do to one: pause it, resume it, end its wait, confirm a change of the file. */
import { type Context, Hono } from 'hono'
import * as z from 'zod'
import type { DestinationStats } from '../admin/figures.ts'
import type { AdminClient } from '../bridge.ts'
import { badRequest } from './bad-request.ts'

export const Confirmation = z.strictObject({
  hash: z.string().regex(/^[\w-]{1,100}$/, 'the hash that the list shows'),
})

export function createDestinationsApi(admin: AdminClient): Hono {
  const api = new Hono()

  api.get('/destinations', async c => c.json({ destinations: (await admin.stats()).destinations }))

  api.post('/destinations/confirm', async c => {
    const body = Confirmation.safeParse(await c.req.json().catch(() => undefined))
    if (!body.success) return badRequest(c, body.error)
    const confirmed = await admin.confirmChange(body.data.hash)
    if (confirmed.length > 0) return c.json({ confirmed })
    const message = 'No change waits to be confirmed by this hash; GET /api/destinations shows what does'
    return c.json({ error: 'nothing_to_confirm', message }, 409)
  })

  for (const isPaused of [true, false]) {
    api.post(`/destinations/:name/${isPaused ? 'pause' : 'resume'}`, async c => {
      const found = await find(c)
      if (found instanceof Response) return found
      await admin.setPaused(found.name, isPaused)
      return c.json(await find(c))
    })
  }

  api.post('/destinations/:name/deliver-now', async c => {
    const found = await find(c)
    if (found instanceof Response) return found
    return c.json(await admin.deliverNow(found.name))
  })
  return api

  /** As the figures have it; without it, the answer that says which there are. */
  async function find(c: Context): Promise<DestinationStats | Response> {
    const { destinations } = await admin.stats()
    const asked = c.req.param('name')
    const found = destinations.find(({ name }) => name === asked)
    if (found) return found
    return noSuchName(
      c,
      destinations.map(({ name }) => name),
    )
  }
}

/** The answer to a question about a destination that there is not; `undefined`: there is, or none is named. `all`: or was. */
export async function unknownDestination(
  c: Context,
  admin: Pick<AdminClient, 'destinationNames'>,
  name: string | undefined,
  which: 'open' | 'all' = 'all',
): Promise<Response | undefined> {
  if (name === undefined) return undefined
  const names = await admin.destinationNames(which)
  return names.includes(name) ? undefined : noSuchName(c, names)
}

function noSuchName(c: Context, names: readonly string[]): Response {
  const message = `No destination has this name; there are: ${names.join(', ')}`
  return c.json({ error: 'not_found', message }, 404)
}
