/**
 * Twilio Proxy's API (proxy.twilio.com/v1) through the `twilio` package, as far as the commands need it. The package is heavy: it is
 * loaded here, when a command calls for it, and nowhere else. Every failure comes out as a CliError with a sentence.
 */
import type RequestClient from 'twilio/lib/base/RequestClient.js'
import type { ParticipantCreate, SessionCreate, SessionUpdate } from '../../proxy/requests.ts'
import { Interaction, Participant, Service, Session } from '../../proxy/resources.ts'
import { toStop } from '../sink/errors.ts'
import type { Credentials } from '../twilio-credentials.ts'

export type ProxyApi = {
  services(): Promise<Service[]>
  /** Page by page, as Twilio names the next one. */
  sessions(serviceSid: string, pageSize: number): AsyncGenerator<readonly Session[], void>
  session(serviceSid: string, sid: string): Promise<Session>
  participants(serviceSid: string, sid: string): Promise<Participant[]>
  interactions(serviceSid: string, sid: string): Promise<Interaction[]>
  create(serviceSid: string, session: SessionCreate): Promise<Session>
  update(serviceSid: string, sid: string, change: SessionUpdate): Promise<Session>
  remove(serviceSid: string, sid: string): Promise<void>
}

export type ConnectProxy = (credentials: Credentials) => Promise<ProxyApi>

const remedies: Readonly<Record<number, string>> = {
  403: 'The API key may be restricted: grant it the Proxy permissions, or use the auth token.',
  409: 'A participant is in another active session with the same masked number: close that one first.',
  20404:
    '"npx twilio-segment-bridge proxy sessions list" shows what there is; the session or service may belong to another account.',
  80103: 'The participant is in the session already: leave it out.',
  80104: 'The number belongs to a service already: remove it there first.',
  80207: 'Add a number to the service: the pool has none that fits, or all are reserved.',
  80404: 'Give a phone number that exists, in E.164 (+15551230001), or an address of a channel.',
  80603: 'Choose another --unique-name: a session of this service has it.',
  80604: 'Add a number to the service, or close the other session of this participant.',
  80607:
    'A closed session takes no change; reopen it first: npx twilio-segment-bridge proxy sessions update <sid> --status in-progress.',
  80608: 'Only these changes are possible: open or in-progress to closed, closed to in-progress.',
  80609: 'A session has at most two participants.',
  80801: 'Reopening would put a participant into two active sessions: close the other one first.',
}

/** `httpClient`: for tests, which bring an API of their own. */
export async function connectProxy(
  { accountSid, username, password }: Credentials,
  httpClient?: RequestClient,
): Promise<ProxyApi> {
  const { default: twilio } = await import('twilio')
  const options = { accountSid, autoRetry: true, ...(httpClient && { httpClient }) }
  const { services } = twilio(username, password, options).proxy.v1

  return {
    services: () =>
      told('list the services', async () =>
        (await services.list()).map(one => Service.parse(toResource(one))),
      ),
    async *sessions(serviceSid, pageSize) {
      const { sessions } = services(serviceSid)
      let page = await told('list the sessions', () => sessions.page({ pageSize }))
      for (;;) {
        yield page.instances.map(one => Session.parse(toResource(one)))
        const { nextPageUrl } = page
        if (!nextPageUrl) return
        page = await told('list the sessions', () => sessions.getPage(nextPageUrl))
      }
    },
    session: (serviceSid, sid) =>
      told(`look up the session ${sid}`, async () =>
        Session.parse(toResource(await services(serviceSid).sessions(sid).fetch())),
      ),
    participants: (serviceSid, sid) =>
      told(`list the participants of ${sid}`, async () =>
        (await services(serviceSid).sessions(sid).participants.list()).map(one =>
          Participant.parse(toResource(one)),
        ),
      ),
    interactions: (serviceSid, sid) =>
      told(`list the interactions of ${sid}`, async () =>
        (await services(serviceSid).sessions(sid).interactions.list()).map(one =>
          Interaction.parse(toResource(one)),
        ),
      ),
    create: (serviceSid, { dateExpiry, participants, ...session }) =>
      told('create the session', async () => {
        const created = await services(serviceSid).sessions.create({
          ...session,
          ...(dateExpiry !== undefined && { dateExpiry: new Date(dateExpiry) }),
          ...(participants && { participants: participants.map(toParameter) }),
        })
        return Session.parse(toResource(created))
      }),
    update: (serviceSid, sid, { dateExpiry, ...change }) =>
      told(`update the session ${sid}`, async () => {
        const expiry = dateExpiry !== undefined && { dateExpiry: new Date(dateExpiry) }
        const updated = await services(serviceSid)
          .sessions(sid)
          .update({ ...change, ...expiry })
        return Session.parse(toResource(updated))
      }),
    remove: (serviceSid, sid) =>
      told(`delete the session ${sid}`, async () => void (await services(serviceSid).sessions(sid).remove())),
  }
}

async function told<T>(what: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    throw toStop(what, error, remedies)
  }
}

/** The package passes an element on as it is; the API's own samples spell its keys so. */
function toParameter(participant: ParticipantCreate): Record<string, string> {
  return Object.fromEntries(
    Object.entries(participant).map(([name, value]) => [name[0]?.toUpperCase() + name.slice(1), value]),
  )
}

/** Of the package's own form back to the API's: snake case, times as text to the second. */
function toResource(instance: { toJSON(): unknown }): Record<string, unknown> {
  const fields = Object.entries(Object(instance.toJSON()))
  return Object.fromEntries(
    fields.map(([name, value]) => [
      name.replace(/[A-Z]/g, letter => `_${letter.toLowerCase()}`),
      value instanceof Date ? toText(value) : value,
    ]),
  )
}

function toText(date: Date): string | undefined {
  return Number.isNaN(date.getTime()) ? undefined : date.toISOString().replace('.000Z', 'Z')
}
