/**
 * A look at all sessions of Twilio Proxy: what has changed since the last one becomes events. The API has no filter, so every session
 * is listed, and those are opened whose dates have moved, or which have expired meanwhile. Ended at any moment, it goes on the next
 * time: what it had not noted it finds again, under the same ids. In: the API, and what was noted. Out: events, and a summary.
 */
import * as z from 'zod'
import type { Awaitable } from '../runtime.ts'
import type { ProxyReader } from './api.ts'
import { toMs } from './dates.ts'
import { interactionFacts, type ProxyEvent, type Sha256, sessionFacts } from './facts.ts'
import { Interaction, Participant, Service, Session } from './resources.ts'
import { type Transition, toTransitions } from './transitions.ts'

/** What is noted of a session. */
export const Noted = z.object({
  /** Its dates, when it was opened last. */
  stamp: z.string(),
  closedAt: z.number().optional(),
  reopenedAt: z.number().optional(),
  /** Changes that were told, and to whom. */
  told: z.array(z.string()),
  participants: z.array(z.string()),
  /** The newest interactions that were told: their time, ms since 1970, and which they are. */
  upTo: z.number(),
  newest: z.array(z.string()),
})
export type Noted = z.infer<typeof Noted>

/** `note` is on disk when it resolves, all of it or nothing. */
export type SyncNotes = {
  read(sid: string): Awaitable<Noted | undefined>
  note(sessions: ReadonlyMap<string, Noted | 'seen'>, now: number): Awaitable<void>
  /** Lets go of sessions that were not seen since. */
  forget(before: number): Awaitable<void>
}

export type SyncParts = {
  readonly reader: ProxyReader
  readonly notes: SyncNotes
  /** Once it resolves, the events are kept. */
  readonly emit: (events: readonly ProxyEvent[]) => Promise<void>
  readonly sha256: Sha256
  readonly now: () => number
  readonly signal?: AbortSignal | undefined
  readonly onProgress?: (summary: Summary) => void
}

/** `opened`: sessions looked into. `gone`: deleted meanwhile. `unread`: answers without a SID. */
export type Summary = {
  readonly services: number
  readonly sessions: number
  readonly opened: number
  readonly events: number
  readonly gone: number
  readonly unread: number
}

const EVENTS_AT_ONCE = 200
/** A session that slipped past a look, for others were deleted, is found by the next one. */
const FORGET_MS = 30 * 24 * 3_600_000

export async function syncProxy(parts: SyncParts): Promise<Summary> {
  const { reader, notes, now, signal, sha256, onProgress = () => undefined } = parts
  const summary = { services: 0, sessions: 0, opened: 0, events: 0, gone: 0, unread: 0 }
  let events: ProxyEvent[] = []
  let seen = new Map<string, Noted | 'seen'>()

  for await (const page of reader.pages('/v1/Services', 'services')) {
    for (const row of page ?? []) {
      const service = Service.safeParse(row).data
      if (!service) summary.unread += 1
      else await syncService(service)
    }
  }
  await flush()
  await notes.forget(now() - FORGET_MS)
  return summary

  async function syncService({ sid, default_ttl }: Service): Promise<void> {
    summary.services += 1
    for await (const page of reader.pages(`/v1/Services/${sid}/Sessions`, 'sessions')) {
      for (const row of page ?? []) {
        signal?.throwIfAborted()
        const session = Session.safeParse(row).data
        if (!session) summary.unread += 1
        else await syncSession({ ...session, service_sid: session.service_sid ?? sid }, default_ttl)
      }
      await flush()
      onProgress(summary)
    }
  }

  async function syncSession(session: Session, defaultTtl: number | undefined): Promise<void> {
    summary.sessions += 1
    const { sid } = session
    const before = await notes.read(sid)
    const { transitions, life } = toTransitions(session, before ?? {}, now(), defaultTtl)
    const told = new Set(before?.told)
    const fresh = transitions.filter(one => !told.has(nameOf(one)))
    const stamp = stampOf(session)
    if (before?.stamp === stamp && fresh.length === 0) return void seen.set(sid, 'seen')

    summary.opened += 1
    const participants = await readParticipants(session)
    const people = participants && (await passOn(session, participants, before))
    if (!participants || !people) {
      summary.gone += 1
      return
    }
    const known = [...participants].filter(([, { identifier }]) => identifier !== undefined)
    const joined = known.filter(([one]) => !before?.participants.includes(one))
    await keep(await sessionFacts(session, fresh, new Map(known), sha256))
    const earlier = transitions.filter(one => told.has(nameOf(one)))
    await keep(await sessionFacts(session, earlier, new Map(joined), sha256))
    seen.set(sid, {
      ...{ stamp, ...life, ...people },
      told: [...new Set([...told, ...fresh.map(nameOf)])],
      participants: [...new Set([...(before?.participants ?? []), ...known.map(([one]) => one)])],
    })
  }

  /** The interactions that were not told yet, page by page; `undefined`: the session is gone. */
  async function passOn(
    session: Session,
    participants: Map<string, Participant>,
    before: Noted | undefined,
  ): Promise<Pick<Noted, 'upTo' | 'newest'> | undefined> {
    const since = before?.upTo ?? 0
    let [upTo, newest] = [since, new Set(before?.newest)]
    const known = new Set(before?.newest)
    for await (const page of reader.pages(`${pathOf(session)}/Interactions`, 'interactions')) {
      if (page === undefined) return undefined
      for (const row of page) {
        const interaction = Interaction.safeParse(row).data
        if (!interaction) {
          summary.unread += 1
          continue
        }
        const { inbound_resource_status: inbound, outbound_resource_status: outbound } = interaction
        const at = toMs(interaction.date_updated) ?? 0
        const name = `${interaction.sid} ${inbound} ${outbound}`
        if (at < since || (at === since && known.has(name))) continue
        if (at > upTo) newest = new Set()
        if (at >= upTo) newest.add(name)
        upTo = Math.max(upTo, at)
        await lookUp(session, interaction, participants)
        const { service_sid, sid: session_sid } = session
        await keep(await interactionFacts({ ...interaction, service_sid, session_sid }, sha256, participants))
      }
    }
    return { upTo, newest: [...newest] }
  }

  /** Who joined after the list was read, or has left: the list does not say. */
  async function lookUp(
    session: Session,
    { inbound_participant_sid: inbound, outbound_participant_sid: outbound }: Interaction,
    participants: Map<string, Participant>,
  ): Promise<void> {
    for (const sid of [inbound, outbound]) {
      if (sid === undefined || participants.has(sid)) continue
      const found = Participant.safeParse(await reader.get(`${pathOf(session)}/Participants/${sid}`)).data
      participants.set(sid, found ?? { sid })
    }
  }

  async function readParticipants(session: Session): Promise<Map<string, Participant> | undefined> {
    const participants = new Map<string, Participant>()
    for await (const page of reader.pages(`${pathOf(session)}/Participants`, 'participants')) {
      if (page === undefined) return undefined
      for (const row of page) {
        const participant = Participant.safeParse(row).data
        if (participant) participants.set(participant.sid, participant)
        else summary.unread += 1
      }
    }
    return participants
  }

  /** A session may have more interactions than memory should hold. */
  async function keep(more: readonly ProxyEvent[]): Promise<void> {
    events.push(...more)
    if (events.length >= EVENTS_AT_ONCE) await send()
  }

  async function send(): Promise<void> {
    if (events.length > 0) await parts.emit(events)
    summary.events += events.length
    events = []
  }

  /** Noted only once its events are kept: a kill in between tells them again, under the same ids. */
  async function flush(): Promise<void> {
    await send()
    if (seen.size > 0) await notes.note(seen, now())
    seen = new Map()
  }
}

const nameOf = ({ name, at }: Transition): string => `${name} ${at ?? ''}`

const pathOf = ({ service_sid, sid }: Session): string => `/v1/Services/${service_sid}/Sessions/${sid}`

function stampOf(session: Session): string {
  const { date_updated, date_started, date_last_interaction, date_ended, date_expiry, status, ttl } = session
  return [date_updated, date_started, date_last_interaction, date_ended, date_expiry, status, ttl].join(' ')
}
