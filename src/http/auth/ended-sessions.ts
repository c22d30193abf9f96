/**
 * Sessions that were logged out before their time. Without this list a copy of the cookie would open everything until the
 * session ends by itself. Every id leaves the list with the longest life a session can have; the list is bounded besides.
 * Pure but for the list itself; times in seconds since 1970.
 */
import * as z from 'zod'

/** A session can not be older. */
export const LONGEST_SECONDS = 7 * 24 * 3_600
const MOST = 1_000

export type SessionId = { readonly id: string; readonly since: number }

/** What the login needs of a host: on Node a file, on Workers an object that all isolates ask. */
export type EndedSessions = {
  has(session: SessionId): boolean | Promise<boolean>
  add(session: SessionId): void | Promise<void>
}

/** `before`: every session that began then or earlier has ended as well. */
export const EndedList = z.object({ before: z.number(), ids: z.array(z.tuple([z.string(), z.number()])) })
export type EndedList = z.infer<typeof EndedList>
export const noneEnded: EndedList = { before: 0, ids: [] }

export function isEnded({ before, ids }: EndedList, { id, since }: SessionId): boolean {
  return since <= before || ids.some(([other]) => other === id)
}

export function withEnded(list: EndedList, { id, since }: SessionId, nowSeconds: number): EndedList {
  if (isEnded(list, { id, since })) return list
  const ids = [...list.ids, [id, since] as [string, number]]
    .filter(([, began]) => began > nowSeconds - LONGEST_SECONDS)
    .sort(([, a], [, b]) => a - b)
  // Rather end a session too many than forget that one has ended.
  const dropped = ids.splice(0, Math.max(0, ids.length - MOST)).at(-1)
  return { before: Math.max(list.before, dropped?.[1] ?? 0), ids }
}

/** In this process's memory; `store` makes it last. */
export function createEndedSessions(
  now: () => number,
  list: EndedList = noneEnded,
  store: (list: EndedList) => void = () => undefined,
): EndedSessions & { has(session: SessionId): boolean } {
  let ended = list
  return {
    has: session => isEnded(ended, session),
    add(session) {
      ended = withEnded(ended, session, Math.floor(now() / 1_000))
      store(ended)
    },
  }
}
