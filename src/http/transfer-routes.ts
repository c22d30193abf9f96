/** Events out of this outbox and into it: `GET /export` streams NDJSON, `POST /import` takes it, or an array. */
import { type Context, Hono } from 'hono'
import * as z from 'zod'
import {
  type Arriving,
  addUnsent,
  eventText,
  fromEvent,
  fromLine,
  toIntakes,
  toLine,
  toNextLine,
  toUnreadableLine,
  toUnsent,
  type Unsent,
} from '../admin/export-format.ts'
import type { NotStored } from '../admin/transfer.ts'
import type { AdminClient } from '../bridge.ts'
import type { Mapping } from '../event/mapping.ts'
import { RETRY_AFTER_SECONDS, reasons, states } from '../reasons.ts'
import { badRequest } from './bad-request.ts'
import { readStream } from './body.ts'
import { unknownDestination } from './destinations-routes.ts'
import { checkImport, IMPORT_EVENTS, readImport } from './import-body.ts'

const time = z.iso
  .datetime({ offset: true, error: 'a time such as 2026-11-22T00:00:00Z' })
  .transform(text => Date.parse(text))
export const ExportQuery = z.strictObject({
  /** One, or several with commas. */
  state: z
    .string()
    .transform(list => list.split(','))
    .pipe(z.array(z.enum(states)))
    .optional(),
  type: z.string().max(200).optional(),
  reason: z.string().max(100).optional(),
  since: time.optional(),
  until: time.optional(),
  /** The `next` of the last line of the part before. */
  after: z
    .string()
    .regex(/^[\w.-]{1,2000}$/, 'the `next` of an earlier part')
    .optional(),
})
export const ImportQuery = z.strictObject({
  /** A destination: nowhere else. */
  only: z.string().max(100).optional(),
  again: z.stringbool({ truthy: ['true', '1', ''], falsy: ['false', '0'] }).default(false),
})

/** As much as MAX_BODY_BYTES may be at most. */
const IMPORT_BYTES = 16_777_216
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: false })
const encoder = new TextEncoder()

/** `mapping`: what events are judged by that come in. `exportPages`: so many are one answer; for a host that counts the requests of an invocation. @default without end */
export function createTransferApi(
  admin: Pick<AdminClient, 'exportPage' | 'import' | 'destinationNames'>,
  mapping: Mapping,
  exportPages = Number.POSITIVE_INFINITY,
): Hono {
  const api = new Hono()

  api.get('/export', async c => {
    const query = ExportQuery.safeParse(c.req.query())
    if (!query.success) return badRequest(c, query.error)
    const { state, after: from, ...rest } = query.data
    const read = (after?: string) => admin.exportPage({ ...rest, states: state, after })
    let page = await read(from)
    if ('stored' in page) return unkept(c, page)
    let unreadable = 0
    let pages = 1
    const lines = new ReadableStream<Uint8Array>({
      async pull(controller) {
        if ('stored' in page) return controller.error(new Error(page.detail))
        unreadable += page.unreadable
        controller.enqueue(encoder.encode(page.lines))
        if (page.next !== undefined && pages < exportPages) {
          pages += 1
          page = await read(page.next)
          return
        }
        if (unreadable > 0) controller.enqueue(encoder.encode(toUnreadableLine(unreadable)))
        if (page.next !== undefined) controller.enqueue(encoder.encode(toNextLine(page.next)))
        controller.close()
      },
    })
    return c.body(lines, 200, { 'content-type': 'application/x-ndjson' })
  })

  api.post('/import', async c => {
    const query = ImportQuery.safeParse(c.req.query())
    if (!query.success) return badRequest(c, query.error)
    const text = await readText(c.req.raw.body)
    const events = typeof text === 'string' ? await checkImport(text) : text.fault
    if (events === 'body_too_large' || events === 'too_many') {
      const message = `At most 16 MiB and ${IMPORT_EVENTS} events a request`
      return c.json({ error: 'body_too_large', message }, 413)
    }
    if (events === 'body_cut_off')
      return c.json({ error: events, message: 'The body did not arrive whole' }, 413)
    if (typeof text !== 'string' || events === 'not_json') {
      return c.json(
        { error: 'body_not_json', message: 'Send events, or lines of an export, as NDJSON or an array' },
        400,
      )
    }
    const { again, only } = query.data
    const unknown = await unknownDestination(c, admin, only, 'open')
    if (unknown) return unknown
    const sum = { stored: 0, pending: 0, skipped: 0, duplicates: 0, again: 0 }
    let skippedReasons: Unsent = {}
    let rejected = 0
    for (const slice of readImport(text)) {
      const arriving = slice.map(([element, text]) =>
        toArriving(element, text, { again, isAnew: again || only !== undefined }, mapping),
      )
      const imported = await admin.import(toIntakes(arriving, Date.now()), only)
      if (imported.stored === false) return unkept(c, imported)
      sum.stored += imported.stored
      sum.pending += imported.pending
      sum.skipped += imported.skipped
      sum.duplicates += imported.duplicates
      sum.again += imported.again
      skippedReasons = addUnsent(skippedReasons, toUnsent(arriving, imported.skipped))
      rejected += arriving.filter(({ entry }) => (entry.carried ?? entry).state === 'rejected').length
    }
    return c.json({ received: events, ...sum, skippedReasons, rejected })
  })
  return api
}

function unkept(c: Context, { reason, detail }: NotStored): Response {
  const headers = { 'retry-after': String(RETRY_AFTER_SECONDS) }
  return c.json({ error: reason, message: reasons[reason].title, detail }, 503, headers)
}

type Wish = {
  readonly again: boolean
  /** What became of it elsewhere does not matter. */
  readonly isAnew: boolean
}

function toArriving(element: unknown, text: string, { again, isAnew }: Wish, mapping: Mapping): Arriving {
  const line = toLine(element)
  if (line && !isAnew) return fromLine(line, text, mapping)
  const arriving =
    line?.event === undefined
      ? fromEvent(element, text, mapping)
      : fromEvent(line.event, eventText(text), mapping)
  return again ? { ...arriving, entry: { ...arriving.entry, again } } : arriving
}

type Unread = { readonly fault: 'body_too_large' | 'body_cut_off' | 'not_json' }

/** By itself, so that the bytes are gone when the text is worked on. */
async function readText(stream: Request['body']): Promise<string | Unread> {
  const body = await readStream(stream, IMPORT_BYTES)
  if (typeof body === 'string') return { fault: body }
  try {
    return utf8.decode(body)
  } catch {
    return { fault: 'not_json' }
  }
}
