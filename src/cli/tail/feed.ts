/**
 * Events as they arrive and as their states change. The stream of the running bridge says when there is news; what fits the
 * filter is then asked of its list, so that a filter means here what it means there, and a dead letter that was sent again is
 * seen. Goes on by itself after a lost connection.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import * as z from 'zod'
import { states } from '../../reasons.ts'
import { check, type OutboxAccess } from '../outbox-access.ts'
import { CliError } from '../terminal.ts'

/** With everything that the API says of an event, known here or not. */
const Row = z.looseObject({
  key: z.string(),
  state: z.enum(states),
  reason: z.string().nullable(),
  type: z.string(),
  id: z.string().nullable(),
  customer: z.string().nullable(),
  receivedAt: z.string(),
})
export type Row = z.infer<typeof Row>
const Page = z.object({ events: z.array(Row), next: z.string().nullable() })
const Pulse = z.object({
  changes: z.array(z.looseObject({ key: z.string(), state: z.enum(states), reason: z.string().nullable() })),
})
type Change = z.infer<typeof Pulse>['changes'][number]

export type Filter = {
  readonly state?: string | undefined
  readonly reason?: string | undefined
  readonly type?: string | undefined
  readonly q?: string | undefined
}

export type Update =
  /** New ones, and known ones in another state; oldest first. */
  | { readonly kind: 'events'; readonly events: readonly Row[] }
  /** More arrived at once than can be read. */
  | { readonly kind: 'missed' }
  | { readonly kind: 'live' }
  | { readonly kind: 'lost'; readonly why: string }

const PAGE = 200
/** Of what arrived between two looks. */
const PAGES = 5
const REMEMBERED = 10_000
/** Two heartbeats of the stream and some patience. */
const SILENCE_MS = 14_000
const RETRY_MS = 1_000

/** Ends when `stop` is aborted. Throws CliError when the bridge cannot be asked at the start, or refuses. */
export async function* follow(
  access: OutboxAccess,
  filter: Filter,
  recent: number,
  stop: AbortSignal,
): AsyncGenerator<Update, void> {
  const known = createKnown(filter)
  const first = await list(access, filter).catch((error: unknown) => {
    if (!stop.aborted) throw error
  })
  if (!first) return
  known.begin(first)
  yield { kind: 'events', events: first.events.slice(0, recent).reverse() }
  while (!stop.aborted) {
    let why = 'the stream ended'
    try {
      for await (const changes of pulses(access, stop)) {
        if (changes === 'open') yield { kind: 'live' }
        const { events, missed } = await readNews(access, filter, known)
        const news = [...known.apply(changes === 'open' ? [] : changes), ...events]
        if (news.length > 0) yield { kind: 'events', events: news }
        if (missed) yield { kind: 'missed' }
      }
    } catch (error) {
      if (error instanceof Refused) throw error.fault
      why = error instanceof Error ? error.message : String(error)
    }
    if (stop.aborted) return
    yield { kind: 'lost', why }
    await sleep(RETRY_MS, undefined, { signal: stop }).catch(() => undefined)
  }
}

/** A refusal is for the person; everything else may pass. */
class Refused extends Error {
  readonly fault: CliError
  constructor(fault: CliError) {
    super(fault.message)
    this.fault = fault
  }
}

async function list(access: OutboxAccess, filter: Filter, before?: string): Promise<z.infer<typeof Page>> {
  // A phone number that is searched for must not stand in a URL.
  const init = {
    method: 'POST',
    body: JSON.stringify({ ...filter, ...(before && { before }), limit: PAGE }),
    signal: AbortSignal.timeout(SILENCE_MS),
  }
  return Page.parse(await (await check(access, await access.request('/events/search', init))).json())
}

async function readNews(access: OutboxAccess, filter: Filter, known: Known) {
  const events: Row[] = []
  let before: string | undefined
  for (let page = 0; page < PAGES; page++) {
    const { events: found, next } = await list(access, filter, before)
    const news = found.filter(known.isNews)
    events.push(...news)
    if (next === null || news.length < found.length) return { events: events.reverse(), missed: false }
    before = next
  }
  return { events: events.reverse(), missed: true }
}

type Known = ReturnType<typeof createKnown>

/** What has been shown of which event; what was there before the first page is no news. */
function createKnown({ state, reason }: Filter) {
  const rows = new Map<string, Row>()
  let from = ''

  function remember(row: Row): void {
    rows.delete(row.key)
    rows.set(row.key, row)
    for (const key of rows.keys()) if (rows.size > REMEMBERED) rows.delete(key)
  }

  const fits = (row: Row): boolean =>
    (state === undefined || state === row.state) && (reason === undefined || reason === row.reason)

  return {
    begin({ events, next }: z.infer<typeof Page>): void {
      for (const row of events) remember(row)
      from = next === null ? '' : (events.at(-1)?.receivedAt ?? '')
    },
    isNews(row: Row): boolean {
      const last = rows.get(row.key)
      if (last?.state === row.state && last.reason === row.reason) return false
      if (last === undefined && row.receivedAt < from) return false
      remember(row)
      return true
    },
    /** Those shown whose state is another one and still fits. */
    apply(changes: readonly Change[]): Row[] {
      return changes.flatMap(change => {
        const last = rows.get(change.key)
        if (!last || (last.state === change.state && last.reason === change.reason)) return []
        const row = { ...last, ...change }
        remember(row)
        return fits(row) ? [row] : []
      })
    },
  }
}

/** What each message of the stream says has changed of events that wait; `open` first. */
async function* pulses(
  access: OutboxAccess,
  stop: AbortSignal,
): AsyncGenerator<'open' | readonly Change[], void> {
  const silence = new AbortController()
  let timer: ReturnType<typeof setTimeout> | undefined
  const listen = () => {
    clearTimeout(timer)
    timer = setTimeout(() => silence.abort(new Error('no message in time')), SILENCE_MS)
  }
  listen()
  try {
    const signal = AbortSignal.any([stop, silence.signal])
    const response = await access.request('/stream', { signal })
    if (response.status >= 400 && response.status < 500) {
      await check(access, response).catch((fault: unknown) => {
        throw fault instanceof CliError ? new Refused(fault) : fault
      })
    }
    await check(access, response)
    yield 'open'
    for await (const message of messages(response)) {
      listen()
      yield Pulse.parse(JSON.parse(message)).changes
    }
  } finally {
    clearTimeout(timer)
  }
}

/** The data of each server-sent event. */
async function* messages({ body }: Response): AsyncGenerator<string, void> {
  const utf8 = new TextDecoder()
  let text = ''
  for await (const bytes of body ?? []) {
    text += utf8.decode(bytes, { stream: true })
    const parts = text.split('\n\n')
    text = parts.pop() ?? ''
    for (const part of parts) {
      const lines = part.split('\n')
      if (lines.includes('event: pulse'))
        yield lines
          .filter(line => line.startsWith('data: '))
          .map(line => line.slice(6))
          .join('\n')
    }
  }
}
