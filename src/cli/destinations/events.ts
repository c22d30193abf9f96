/** The events that are previewed: those of a file, one by its key, or the newest of an outbox. */
import { readFileSync, statSync } from 'node:fs'
import * as z from 'zod'
import { eventText, toLine } from '../../admin/export-format.ts'
import { isObject } from '../../event/event.ts'
import { parseExactly } from '../../event/exact-numbers.ts'
import type { MappableEvent } from '../../send/destination.ts'
import { check, type OutboxAccess } from '../outbox-access.ts'
import { unwrap } from '../replay/unwrap.ts'
import { CliError } from '../terminal.ts'

/** `key`: what a person finds it by. */
export type Found = MappableEvent & { readonly key: string }

const PAGE = 500
/** Requests under way. */
const AT_ONCE = 16

export const isFile = (path: string): boolean => statSync(path, { throwIfNoEntry: false })?.isFile() ?? false

/** An event, several, or lines of an export, as `replay` finds them. Throws CliError. */
export function readFile(path: string, now: number): Found[] {
  const text = readFileSync(path, 'utf8').replace(/^\uFEFF/, '')
  const texts = isJson(text) ? [text] : text.split('\n').filter(line => line.trim() !== '')
  return texts.flatMap(each =>
    [...unwrap(each)].map(found => {
      if (found.fault !== undefined) throw new CliError(`${path}: ${found.fault}`)
      const line = toLine(found.value)
      const own = line ? eventText(found.text) : found.text
      return toFound(own, line?.receivedAt ?? now, '')
    }),
  )
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}

const Detail = z.object({ receivedAt: z.string(), received: z.unknown() })

/** Undefined: its bytes are pruned, or cannot be read. Throws CliError. */
export async function findEvent(access: OutboxAccess, key: string): Promise<Found | undefined> {
  const response = await access.request(`/events/${encodeURIComponent(key)}`)
  if (response.status === 404)
    throw new CliError(
      `There is no file and no event ${key}: the page and "npx twilio-segment-bridge dead-letters list" show keys.`,
    )
  const text = await (await check(access, response)).text()
  const { receivedAt, received } = Detail.parse(JSON.parse(text))
  if (received === null || received === undefined) return undefined
  const exact = parseExactly(text)
  return {
    ...{ key, element: received, receivedAt: Date.parse(receivedAt) },
    ...(isObject(exact) && { exact: exact.received }),
  }
}

const Page = z.object({ events: z.array(z.object({ key: z.string() })), next: z.string().nullable() })

/** The newest first. `unreadable`: whose bytes are gone. Throws CliError. */
export async function findNewest(
  access: OutboxAccess,
  many: number,
): Promise<{ events: Found[]; unreadable: number }> {
  const keys: string[] = []
  for (let before: string | null = ''; before !== null && keys.length < many; ) {
    const query = new URLSearchParams({ limit: String(Math.min(PAGE, many - keys.length)) })
    if (before !== '') query.set('before', before)
    const answer = await check(access, await access.request(`/events?${query}`))
    const page: z.infer<typeof Page> = Page.parse(await answer.json())
    keys.push(...page.events.map(({ key }) => key))
    before = page.next
  }
  const events: Found[] = []
  for (let at = 0; at < keys.length; at += AT_ONCE) {
    const found = await Promise.all(keys.slice(at, at + AT_ONCE).map(key => findEvent(access, key)))
    events.push(...found.filter(event => event !== undefined))
  }
  return { events, unreadable: keys.length - events.length }
}

function toFound(text: string, receivedAt: number, key: string): Found {
  const element: unknown = JSON.parse(text)
  const id = isObject(element) && typeof element.id === 'string' ? element.id : ''
  return { key: key || id, element, exact: parseExactly(text, element), receivedAt }
}
