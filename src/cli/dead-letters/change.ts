/** Dead letters retried or dropped: by their keys, or all that a filter fits. */
import * as z from 'zod'
import { onOneLine } from '../../event/visible.ts'
import { check, type OutboxAccess } from '../outbox-access.ts'
import { type Filter, findAll } from './find.ts'

export type Action = 'retry' | 'drop'
export type Changed = {
  readonly matched: number
  readonly done: number
  readonly left: readonly Left[]
  /** Parts of the bridge of which nothing is known to be done. */
  readonly notDone?: readonly string[] | undefined
}
/** One that stays what it is, and why. */
export type Left = { readonly key: string; readonly why: string }

const Answer = z.object({
  done: z.boolean(),
  state: z.string().optional(),
  reason: z.string().optional(),
  faults: z.array(z.object({ path: z.string(), expected: z.string(), received: z.string() })).default([]),
})
const Many = z.object({
  matched: z.number(),
  done: z.number(),
  notDone: z.array(z.string()).optional(),
})

export async function changeByKey(
  access: OutboxAccess,
  action: Action,
  keys: Iterable<string> | AsyncIterable<string>,
  destination?: string,
): Promise<Changed> {
  const query = destination === undefined ? '' : `?destination=${encodeURIComponent(destination)}`
  const left: Left[] = []
  let matched = 0
  let done = 0
  for await (const key of keys) {
    matched += 1
    const path = `/events/${encodeURIComponent(key)}/${action}${query}`
    const response = await access.request(path, { method: 'POST' })
    if (response.status !== 404 && response.status !== 409) await check(access, response)
    const answer = Answer.parse(await response.json())
    if (answer.done) done += 1
    else left.push({ key, why: toWhy(answer) })
  }
  return { matched, done, left }
}

export async function changeByFilter(access: OutboxAccess, action: Action, filter: Filter): Promise<Changed> {
  const { since, until, ...rest } = filter
  if (since !== undefined || until !== undefined) {
    // Found before any is changed: a list that shrinks while it is read would skip some.
    const keys: string[] = []
    for await (const { key } of findAll(access, filter)) keys.push(key)
    return changeByKey(access, action, keys, filter.destination)
  }
  const response = await access.request(`/dead-letters/${action}`, {
    method: 'POST',
    body: JSON.stringify(rest),
  })
  return { ...Many.parse(await (await check(access, response)).json()), left: [] }
}

export async function countAll(access: OutboxAccess, filter: Filter): Promise<number> {
  let count = 0
  for await (const _ of findAll(access, filter)) count += 1
  return count
}

function toWhy({ reason, state, faults }: z.infer<typeof Answer>): string {
  const told = faults.map(({ path, expected, received }) => `${path} should be ${expected}, is ${received}`)
  const known: Readonly<Record<string, string>> = {
    not_found: 'there is no such event',
    not_a_dead_letter: `it is ${state}`,
    bytes_pruned: 'its bytes are pruned',
    unreadable: 'its stored bytes are damaged',
  }
  return onOneLine([known[reason ?? ''] ?? reason ?? `it is ${state}`, ...told].join('; '))
}
