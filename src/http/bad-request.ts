/** The answer to a query or body that does not fit its schema: 400, with each fault. */
import type { Context } from 'hono'
import type * as z from 'zod'

export function badRequest(c: Context, error: z.ZodError): Response {
  const faults = error.issues.map(({ path, message }) => ({ path: path.join('.'), message }))
  return c.json({ error: 'wrong_query', message: 'The request is not understood', faults }, 400)
}
