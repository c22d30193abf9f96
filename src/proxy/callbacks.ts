/**
 * A post of Twilio Proxy (callbackUrl, outOfSessionCallbackUrl) → events. One that says nothing that can be read becomes an event
 * too, which the webhook rejects and keeps: a person can look at it. Pure.
 */
import {
  interactionFacts,
  type OutOfSession,
  outOfSessionFacts,
  type ProxyEvent,
  type Sha256,
} from './facts.ts'
import { Interaction, Session } from './resources.ts'

/** Fields as posted; of several with one name the first. */
export type Form = ReadonlyMap<string, string>

export const isOutOfSession = (form: Form): boolean =>
  !form.has('interactionSid') && ['MessageSid', 'SmsSid', 'CallSid'].some(name => form.has(name))

export async function toCallbackEvents(
  form: Form,
  body: Uint8Array,
  sha256: Sha256,
): Promise<readonly ProxyEvent[]> {
  if (isOutOfSession(form)) return outOfSessionFacts(toOutOfSession(form), sha256)
  const interaction = toInteraction(form)
  const events = interaction ? await interactionFacts(interaction, sha256) : []
  return events.length > 0 ? events : [await toUnreadable(form, body, sha256)]
}

const legs = ['ParticipantSid', 'ResourceSid', 'ResourceType', 'ResourceStatus', 'ResourceUrl'].flatMap(
  name => [`inbound${name}`, `outbound${name}`],
)
const interactionFields = [
  ...['Sid', 'SessionSid', 'ServiceSid', 'AccountSid', 'Type', 'Data', 'DateCreated', 'DateUpdated'],
].map(name => [`interaction${name}`, name.replace(/^./, first => first.toLowerCase())] as const)

function toInteraction(form: Form): Interaction | undefined {
  const fields = [...interactionFields, ...legs.map(name => [name, name] as const)]
  return Interaction.safeParse(
    Object.fromEntries(fields.map(([name, field]) => [toSnake(field), form.get(name)])),
  ).data
}

const sessionFields = [
  'Sid',
  'ServiceSid',
  'AccountSid',
  'UniqueName',
  'Status',
  'Mode',
  'ClosedReason',
].concat(...['DateCreated', 'DateStarted', 'DateUpdated', 'DateEnded', 'DateLastInteraction'])

function toOutOfSession(form: Form): OutOfSession {
  const first = (...names: readonly string[]) => names.map(name => form.get(name)).find(Boolean)
  const isCall = form.has('CallSid')
  const session = Session.safeParse(
    Object.fromEntries(
      sessionFields.map(name => [
        toSnake(name.replace(/^./, letter => letter.toLowerCase())),
        form.get(`session${name}`),
      ]),
    ),
  )
  return {
    resourceSid: first('CallSid', 'MessageSid', 'SmsSid') ?? '',
    status: (first('CallStatus', 'MessageStatus', 'SmsStatus') ?? '').toLowerCase(),
    participantSid: first('inboundParticipantSid'),
    session: session.data ?? {},
    at: undefined,
    about: {
      accountSid: first('AccountSid', 'sessionAccountSid'),
      identifier: first('inboundParticipantIdentifier', 'From', 'Caller'),
      proxyIdentifier: first('To', 'Called'),
      type: isCall ? 'voice' : 'message',
      body: first('Body'),
      numMedia: first('NumMedia'),
    },
  }
}

async function toUnreadable(form: Form, body: Uint8Array, sha256: Sha256): Promise<ProxyEvent> {
  return {
    specversion: '1.0',
    id: await sha256(body),
    source: '/v1/unreadable',
    type: 'twilio-proxy.interaction.updated',
    dataschema: 'urn:twilio-segment-bridge:Proxy.Interaction/1',
    datacontenttype: 'application/json',
    data: Object.fromEntries(form),
  }
}

const toSnake = (name: string): string => name.replace(/[A-Z]/g, letter => `_${letter.toLowerCase()}`)
