/** The signed request without an event that `check` sends to PUBLIC_URL, and what a bridge says when it refuses one. */
import * as z from 'zod'
import type { Asked } from '../admin-client.ts'
import { ask } from '../admin-client.ts'
import type { Target } from '../send/post.ts'
import { sign, TIMEOUT_MS } from '../send/post.ts'

export const EMPTY = '[]'

export const Refusal = z.looseObject({
  error: z.string(),
  message: z.string().optional(),
  remedy: z.string().optional(),
  detail: z.string().optional(),
})

export type Refusal = z.infer<typeof Refusal>

export function postEmpty(target: Target): Promise<Asked> {
  const { url, headers } = sign(target, EMPTY)
  return ask(url, { method: 'POST', body: EMPTY, headers }, TIMEOUT_MS)
}
