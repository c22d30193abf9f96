/**
 * What may be sent to Twilio Proxy's API. Sending is strict: what Twilio would turn down, or silently ignore, is turned down here,
 * with a sentence. In: what a person or program asks for. Out: the fields as the `twilio` package wants them. Pure.
 */
import * as z from 'zod'
import { sessionModes } from './resources.ts'

const UNIQUE_NAME_CHARACTERS = 191
const IDENTIFIER_CHARACTERS = 191
const FRIENDLY_NAME_CHARACTERS = 255
/** Twilio's error 80609. */
const PARTICIPANTS = 2

const limited = (most: number) => {
  const error = `1 to ${most} characters`
  return z.string({ error }).min(1, { error }).max(most, { error })
}
const expiry = z.iso
  .datetime({ offset: true, error: 'a date and time with its zone, such as 2026-12-01T18:00:00Z' })
  .meta({ description: 'When the session expires; overrides ttl' })
const ttl = z
  .int({ error: 'a whole number of seconds' })
  .min(0, { error: 'a whole number of seconds' })
  .meta({ description: 'Seconds since creation or the last interaction; each interaction starts it anew' })

export const ParticipantCreate = z
  .strictObject({
    identifier: limited(IDENTIFIER_CHARACTERS).meta({
      description: 'The real number or address of the person',
    }),
    friendlyName: limited(FRIENDLY_NAME_CHARACTERS)
      .exactOptional()
      .meta({ description: 'A name for people' }),
    proxyIdentifier: limited(IDENTIFIER_CHARACTERS)
      .exactOptional()
      .meta({ description: 'The masked number to use; Twilio chooses one if left out' }),
    proxyIdentifierSid: z
      .string()
      .regex(/^PN[0-9a-fA-F]{32}$/, { error: 'PN and 32 hex digits' })
      .exactOptional()
      .meta({ description: 'SID of the masked number to use' }),
  })
  .meta({ title: 'Participant to add to a session' })
export type ParticipantCreate = z.infer<typeof ParticipantCreate>

const createStatuses = ['open', 'in-progress', 'closed'] as const

export const SessionCreate = z
  .strictObject({
    uniqueName: limited(UNIQUE_NAME_CHARACTERS)
      .exactOptional()
      .meta({ description: 'Name of the session, unique in its service. It must hold no personal data' }),
    dateExpiry: expiry.exactOptional(),
    ttl: ttl.exactOptional(),
    mode: z
      .enum(sessionModes, { error: sessionModes.join(', ') })
      .exactOptional()
      .meta({ description: 'What may pass; it cannot be changed later' }),
    status: z
      .enum(createStatuses, { error: createStatuses.join(', ') })
      .exactOptional()
      .meta({ description: 'State to create it in' }),
    participants: z
      .array(ParticipantCreate)
      .max(PARTICIPANTS, { error: `at most ${PARTICIPANTS} participants` })
      .exactOptional()
      .meta({ description: 'Who talks with whom' }),
  })
  .meta({ $id: 'urn:twilio-segment-bridge:proxy-session-create', title: 'Session of Twilio Proxy to create' })
export type SessionCreate = z.infer<typeof SessionCreate>

export const updateStatuses = ['in-progress', 'closed'] as const

/** Mode and unique name cannot be changed. */
export const SessionUpdate = z
  .strictObject({
    dateExpiry: expiry.exactOptional(),
    ttl: ttl.exactOptional(),
    status: z
      .enum(updateStatuses, { error: updateStatuses.join(' or ') })
      .exactOptional()
      .meta({ description: '`closed` ends it, `in-progress` reopens a closed one' }),
  })
  .refine(update => Object.values(update).some(value => value !== undefined), {
    error: 'at least one of dateExpiry, ttl, status',
  })
  .meta({
    $id: 'urn:twilio-segment-bridge:proxy-session-update',
    title: 'Change of a session of Twilio Proxy',
  })
export type SessionUpdate = z.infer<typeof SessionUpdate>

/**
 * Whether Twilio takes this change of a session in this state; the reason why not. Twilio would answer 80607 or 80608, and a change of
 * ttl that is sent together with them would be lost.
 */
export function whyNot(update: SessionUpdate, current: string | undefined): string | undefined {
  const { status } = update
  if (current === 'closed' && status !== 'in-progress')
    return 'a closed session takes no change but --status in-progress, which reopens it'
  if (current === 'open' && status === 'in-progress')
    return 'an open session becomes in-progress by its first interaction, not by a request'
  if (current === 'failed' || current === 'unknown') return `Twilio changes no session that is ${current}`
  return undefined
}
