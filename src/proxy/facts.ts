/**
 * What the API or a callback says of Twilio Proxy → the bridge's own CloudEvents, one for each participant. The id is made of what
 * happened and to whom, so that the same fact is one event whichever way it came. In a fact stands its own participant's number, and
 * never the other one's. In: resources as resources.ts reads them. Out: events. Pure; the digest comes from the host.
 */
import type { Digests } from '../runtime.ts'
import { toIso, toMs, toText } from './dates.ts'
import type { Interaction, Participant, Session } from './resources.ts'
import type { Transition } from './transitions.ts'

export type ProxyEvent = {
  readonly specversion: '1.0'
  readonly id: string
  readonly source: string
  readonly type: string
  /** SID of the participant. */
  readonly subject?: string
  readonly time?: string
  readonly dataschema: string
  readonly datacontenttype: 'application/json'
  readonly data: Readonly<Record<string, unknown>>
}

export type Sha256 = Pick<Digests, 'sha256'>['sha256']

/** By SID. Without it nobody was asked yet: a participant who is not in it was deleted. */
export type Participants = ReadonlyMap<string, Pick<Participant, 'sid' | 'identifier'>>

type Fact = {
  readonly type: string
  readonly schema: string
  readonly source: string
  readonly subject?: string | undefined
  /** When it happened, ms since 1970. */
  readonly at: number | undefined
  /** What the id is made of. */
  readonly identity: readonly string[]
  readonly data: Readonly<Record<string, unknown>>
}

/** A message or call that was passed on, as it stands now. */
export function interactionFacts(
  interaction: Interaction,
  sha256: Sha256,
  participants?: Participants,
): Promise<ProxyEvent[]> {
  const { sid, account_sid, service_sid = '', session_sid = '', data } = interaction
  const { inbound_participant_sid: inbound, outbound_participant_sid: outbound } = interaction
  const lower = (text: string | undefined) => text?.toLowerCase()
  const statuses = {
    inboundResourceStatus: lower(interaction.inbound_resource_status),
    outboundResourceStatus: lower(interaction.outbound_resource_status),
  }
  const updated = toMs(interaction.date_updated)
  const sides = [[inbound, 'inbound'] as const, [outbound, 'outbound'] as const]
  const facts = sides.flatMap(([participantSid, role]): Fact[] => {
    if (participantSid === undefined) return []
    const { inboundResourceStatus = '', outboundResourceStatus = '' } = statuses
    return [
      {
        type: 'twilio-proxy.interaction.updated',
        schema: 'Proxy.Interaction',
        source: `/v1/Services/${service_sid}/Sessions/${session_sid}/Interactions/${sid}`,
        subject: participantSid,
        at: updated,
        identity: [sid, inboundResourceStatus, outboundResourceStatus, String(updated ?? ''), participantSid],
        data: {
          interactionSid: sid,
          accountSid: account_sid,
          ...{ serviceSid: service_sid, sessionSid: session_sid },
          ...whoIs(participantSid, participants),
          role,
          counterpartSid: role === 'inbound' ? outbound : inbound,
          type: lower(interaction.type),
          data,
          inboundResourceSid: interaction.inbound_resource_sid,
          inboundResourceType: lower(interaction.inbound_resource_type),
          outboundResourceSid: interaction.outbound_resource_sid,
          outboundResourceType: lower(interaction.outbound_resource_type),
          ...statuses,
          dateCreated: toIso(interaction.date_created),
          dateUpdated: toIso(interaction.date_updated),
        },
      },
    ]
  })
  return toEvents(facts, sha256)
}

/** What became of a session. */
export function sessionFacts(
  session: Session,
  transitions: readonly Transition[],
  participants: Participants,
  sha256: Sha256,
): Promise<ProxyEvent[]> {
  const { sid, account_sid, service_sid = '', unique_name, mode, ttl, closed_reason } = session
  const about = {
    ...{ accountSid: account_sid, serviceSid: service_sid, sessionSid: sid, uniqueName: unique_name },
    ...{ mode, ttl, closedReason: closed_reason },
    dateCreated: toIso(session.date_created),
    dateStarted: toIso(session.date_started),
    dateLastInteraction: toIso(session.date_last_interaction),
    dateExpiry: toIso(session.date_expiry),
    dateEnded: toIso(session.date_ended),
    dateUpdated: toIso(session.date_updated),
  }
  const facts = transitions.flatMap(({ name, at }) =>
    [...participants.keys()].map(
      (participantSid): Fact => ({
        type: `twilio-proxy.session.${name}`,
        schema: 'Proxy.Session',
        source: `/v1/Services/${service_sid}/Sessions/${sid}`,
        subject: participantSid,
        at,
        identity: [sid, name, String(at ?? ''), participantSid],
        data: {
          ...about,
          ...whoIs(participantSid, participants),
          status: name === 'opened' ? 'open' : name === 'reopened' ? 'in-progress' : name,
        },
      }),
    ),
  )
  return toEvents(facts, sha256)
}

/** Somebody wrote or called without an open session: theirs alone, the other side heard nothing of it. */
export type OutOfSession = {
  readonly resourceSid: string
  readonly status: string
  readonly participantSid: string | undefined
  readonly session: Partial<Session> & { readonly service_sid?: string | undefined }
  readonly at: number | undefined
  /** What else is known, as the event has it. */
  readonly about: Readonly<Record<string, string | undefined>>
}

export function outOfSessionFacts(post: OutOfSession, sha256: Sha256): Promise<ProxyEvent[]> {
  const { resourceSid, status, participantSid, session, at, about } = post
  const { sid, service_sid, unique_name, mode, closed_reason } = session
  const path = sid && service_sid ? `/v1/Services/${service_sid}/Sessions/${sid}` : '/v1/out-of-session'
  const fact: Fact = {
    type: 'twilio-proxy.out-of-session.received',
    schema: 'Proxy.OutOfSession',
    source: path,
    subject: participantSid,
    at,
    identity: [resourceSid, status, participantSid ?? ''],
    data: {
      ...{ resourceSid, status, ...about, participantSid, serviceSid: service_sid, sessionSid: sid },
      ...{ uniqueName: unique_name, sessionStatus: session.status, mode, closedReason: closed_reason },
      dateCreated: toIso(session.date_created),
      dateStarted: toIso(session.date_started),
      dateLastInteraction: toIso(session.date_last_interaction),
      dateEnded: toIso(session.date_ended),
      dateUpdated: toIso(session.date_updated),
    },
  }
  return toEvents([fact], sha256)
}

/** The same event, once it is known who the participant is; `identifier` undefined: nobody any more. */
export function withParticipant<Event extends { readonly data: Readonly<Record<string, unknown>> }>(
  event: Event,
  identifier: string | undefined,
): Event {
  const found = identifier === undefined ? { participantDeleted: true } : { identifier }
  return { ...event, data: { ...event.data, ...found } }
}

function whoIs(participantSid: string, participants: Participants | undefined): Record<string, unknown> {
  if (participants === undefined) return { participantSid }
  return withParticipant({ data: { participantSid } }, participants.get(participantSid)?.identifier).data
}

function toEvents(facts: readonly Fact[], sha256: Sha256): Promise<ProxyEvent[]> {
  return Promise.all(
    facts.map(async ({ type, schema, source, subject, at, identity, data }) => ({
      specversion: '1.0' as const,
      id: await sha256(new TextEncoder().encode(identity.join('\n'))),
      source,
      type,
      ...(subject !== undefined && { subject }),
      ...(at !== undefined && { time: toText(at) }),
      dataschema: `urn:twilio-segment-bridge:${schema}/1`,
      datacontenttype: 'application/json' as const,
      data: Object.fromEntries(Object.entries(data).filter(([, value]) => value !== undefined)),
    })),
  )
}
