/**
 * Who the participants of Twilio Proxy's events are, asked of Twilio for the events that wait for it: each gets a complete copy, which
 * takes its place. The webhook never waits for this. In: the outbox's side, and the API.
 */
import * as z from 'zod'
import type { Failure } from '../alerts/throttle.ts'
import type { ReceivedRequest } from '../event/received-request.ts'
import type { EventQuery } from '../outbox/queries.ts'
import { ProxyApiError, type ProxyReader } from '../proxy/api.ts'
import { withParticipant } from '../proxy/facts.ts'
import { Participant } from '../proxy/resources.ts'
import type { Awaitable, Log } from '../runtime.ts'
import type { EventList } from './admin.ts'
import type { EventDetail } from './event-view.ts'
import { fromEvent, toIntakes } from './export-format.ts'
import type { Imported, NotStored } from './transfer.ts'

export type WaitingEvents = {
  events(query: Omit<EventQuery, 'destination'>): Awaitable<EventList>
  event(key: string): Awaitable<Pick<EventDetail, 'received'> | undefined>
  import(intakes: readonly ReceivedRequest[]): Awaitable<Imported | NotStored>
  report(failure: Failure): void
}

export type ParticipantsParts = {
  readonly outbox: WaitingEvents
  /** Why nobody can be asked. */
  readonly reader: ProxyReader | { readonly missing: string }
  readonly accountSid: string | undefined
  readonly now: () => number
  readonly log: Log
  /** Events a run, for a host that counts its requests. @default all */
  readonly most?: number
}

const EVENTS_A_PAGE = 100
const KNOWN_MOST = 10_000
/** Asked of the outbox at once. */
const AT_ONCE = 4

const Waiting = z.looseObject({
  data: z.looseObject({
    serviceSid: z.string(),
    sessionSid: z.string(),
    participantSid: z.string(),
    accountSid: z.string().optional(),
  }),
})
type Waiting = z.infer<typeof Waiting>

/** Returns what looks for such events and completes them. Calls of it that overlap are one. */
export function createParticipants(parts: ParticipantsParts): () => Promise<void> {
  const { outbox, now, log, most = Number.POSITIVE_INFINITY } = parts
  /** Identifiers by path: they never change. */
  const known = new Map<string, string>()
  let running: Promise<void> | undefined
  let isWanted = false
  /** What kept it from going on is reported once, until it has gone on. */
  let told: string | undefined

  function ask(): Promise<void> {
    isWanted = true
    running ??= run().finally(() => (running = undefined))
    return running
  }

  async function run(): Promise<void> {
    try {
      while (isWanted) {
        isWanted = false
        await completeAll()
      }
      told = undefined
    } catch (error) {
      isWanted = false
      const answer = error instanceof Error ? error.message : String(error)
      // Twilio's bad moment passes; what it says of the request does not.
      if (error instanceof ProxyApiError && isPassing(error))
        log.info({ why: answer }, 'participants are asked for later')
      else if (told !== answer) outbox.report({ reason: 'participant_unknown', at: now(), count: 1, answer })
      told = answer
    }
  }

  async function completeAll(): Promise<void> {
    let left = most
    let fault: unknown
    for (let before: string | undefined; left > 0; ) {
      const limit = Math.min(EVENTS_A_PAGE, left)
      const page = await outbox.events({ state: 'pending', reason: 'participant_unknown', before, limit })
      if (page.events.length > 0 && 'missing' in parts.reader) throw new Error(parts.reader.missing)
      const waiting = (
        await inTurns(
          page.events.map(({ key }) => key),
          read,
        )
      ).flatMap(event => event ?? [])
      const complete: object[] = []
      let failure: unknown
      for (const event of waiting) {
        try {
          complete.push(withParticipant(event, await identify(event)))
        } catch (error) {
          if (error instanceof ProxyApiError && concernsAll(error)) {
            failure = error
            break
          }
          fault ??= error
        }
      }
      if (complete.length > 0) await importEvents(outbox, complete, now())
      if (failure !== undefined) throw failure
      left -= page.events.length
      if (page.next === undefined) break
      before = page.next
    }
    if (fault !== undefined) throw fault
  }

  async function read(key: string): Promise<Waiting | undefined> {
    const event = await outbox.event(key)
    return event?.received ? Waiting.safeParse(JSON.parse(event.received)).data : undefined
  }

  /** `undefined`: the participant is gone. Throws when it cannot be found out. */
  async function identify({ data }: Waiting): Promise<string | undefined> {
    const { serviceSid, sessionSid, participantSid, accountSid = parts.accountSid } = data
    const { reader } = parts
    if ('missing' in reader) throw new Error(reader.missing)
    // Of another account's session this one's credentials see nothing, which says nothing of the participant.
    if (accountSid !== parts.accountSid)
      throw new Error(`the session belongs to ${accountSid}, the credentials to ${parts.accountSid}`)
    const path = `/v1/Services/${serviceSid}/Sessions/${sessionSid}/Participants/${participantSid}`
    const before = known.get(path)
    if (before !== undefined) return before
    const { identifier } = Participant.safeParse(await reader.get(encodeURI(path))).data ?? {}
    if (known.size >= KNOWN_MOST) known.clear()
    if (identifier !== undefined) known.set(path, identifier)
    return identifier
  }

  return ask
}

/** The bridge's own events, as if they were imported. Throws when they are not stored. */
export async function importEvents(
  outbox: Pick<WaitingEvents, 'import'>,
  events: readonly object[],
  now: number,
): Promise<void> {
  const arriving = events.map(event => fromEvent(event, JSON.stringify(event)))
  const taken = await outbox.import(toIntakes(arriving, now))
  if (taken.stored === false) throw new Error(taken.detail)
}

function isPassing({ status }: ProxyApiError): boolean {
  return status === undefined || status === 429 || status >= 500
}

/** Whatever is asked next would fare no better. */
function concernsAll(error: ProxyApiError): boolean {
  return isPassing(error) || error.status === 401 || error.status === 403
}

async function inTurns<In, Out>(items: readonly In[], work: (item: In) => Promise<Out>): Promise<Out[]> {
  const done: Out[] = []
  for (let at = 0; at < items.length; at += AT_ONCE)
    done.push(...(await Promise.all(items.slice(at, at + AT_ONCE).map(work))))
  return done
}
