/** What the stand-in of Twilio Proxy's API holds, and Twilio's rules about it. */
import { accountSid } from './twilio.ts'
import { ApiError } from './twilio-api-answers.ts'

type Row = Record<string, unknown> & { readonly sid: string }
export type Stored = Row & { date_created: string; date_updated: string }
export type StoredSession = Stored & { status: string; service_sid: string }

export type ProxyStore = ReturnType<typeof createProxyStore>

const iso = (ms: number) => new Date(ms).toISOString().replace('.000Z', 'Z')

/** `now`: the API's own clock. */
export function createProxyStore(now: () => number) {
  const services = new Map<string, Stored>()
  const sessions = new Map<string, StoredSession>()
  const participants = new Map<string, Stored>()
  const interactions = new Map<string, Stored>()
  const numbers = new Map<string, Stored>()
  let serial = 0
  const toSid = (prefix: string) => prefix + (++serial).toString(16).padStart(32, '0')
  const stamp = () => iso(Math.floor(now() / 1_000) * 1_000)
  const of = <T extends Stored>(rows: ReadonlyMap<string, T>, key: string, sid: string): T[] =>
    [...rows.values()].filter(row => row[key] === sid)

  function add<T extends Record<string, unknown>>(rows: Map<string, Stored>, prefix: string, fields: T) {
    const at = stamp()
    const row = { date_created: at, date_updated: at, account_sid: accountSid, ...fields, sid: toSid(prefix) }
    rows.set(row.sid, row)
    return row
  }

  function addService(fields: Record<string, unknown> = {}): Stored {
    return add(services, 'KS', { unique_name: 'a-service', default_ttl: 0, callback_url: null, ...fields })
  }

  function addSession(serviceSid: string, fields: Record<string, unknown> = {}): StoredSession {
    const session = {
      ...add(sessions as Map<string, Stored>, 'KC', {}),
      service_sid: serviceSid,
      ...{ date_started: null, date_ended: null, date_last_interaction: null, date_expiry: null },
      ...{ unique_name: null, status: 'open', closed_reason: null, ttl: 0, mode: 'voice-and-message' },
      ...fields,
    }
    sessions.set(session.sid, session)
    return session
  }

  function addParticipant(session: StoredSession, identifier: string, fields = {}): Stored {
    if (of(participants, 'session_sid', session.sid).length >= 2)
      throw new ApiError(400, 80609, 'Session can have at most 2 participants')
    return add(participants, 'KP', {
      session_sid: session.sid,
      service_sid: session.service_sid,
      identifier,
      ...{ friendly_name: null, proxy_identifier: '+15550100100', date_deleted: null },
      proxy_identifier_sid: `PN${'0'.repeat(32)}`,
      ...fields,
    })
  }

  /** Whoever writes first makes the session begin; each interaction starts its ttl anew. */
  function interact(session: StoredSession, from: Stored, to: Stored, fields = {}): Stored {
    const at = stamp()
    session.status = 'in-progress'
    session.date_started ??= at
    Object.assign(session, { date_last_interaction: at, date_updated: at })
    return add(interactions, 'KI', {
      session_sid: session.sid,
      service_sid: session.service_sid,
      ...{ type: 'message', data: '{"body":"hello"}' },
      ...toLeg('inbound', from, 'received'),
      ...toLeg('outbound', to, 'sent'),
      ...fields,
    })
  }

  function toLeg(side: string, { sid }: Stored, status: string) {
    const resource = toSid('SM')
    return {
      [`${side}_participant_sid`]: sid,
      [`${side}_resource_sid`]: resource,
      [`${side}_resource_status`]: status,
      [`${side}_resource_type`]: 'Message',
      [`${side}_resource_url`]: `https://api.twilio.com/2010-04-01/Accounts/${accountSid}/Messages/${resource}.json`,
    }
  }

  function change(row: Stored, fields: Record<string, unknown>): void {
    Object.assign(row, fields, { date_updated: stamp() })
  }

  function setStatus(session: StoredSession, status: string): void {
    if (session.status === 'closed' && status !== 'in-progress')
      throw new ApiError(400, 80607, 'Session Closed')
    if (status === session.status || (status === 'in-progress' && session.status !== 'closed'))
      throw new ApiError(400, 80608, 'Session status change not supported')
    if (status === 'in-progress') change(session, { status, closed_reason: null, date_ended: null })
    else change(session, { status, closed_reason: 'api', date_ended: stamp() })
  }

  /** As Twilio may do it: late, at the next look. */
  function closeExpired(): void {
    for (const session of sessions.values()) {
      const expiry = session.date_expiry
      if (session.status === 'closed' || typeof expiry !== 'string' || Date.parse(expiry) > now()) continue
      change(session, { status: 'closed', closed_reason: 'ttl', date_ended: stamp() })
    }
  }

  function createSession(serviceSid: string, form: URLSearchParams): StoredSession {
    const name = form.get('UniqueName')
    if (name !== null && [...sessions.values()].some(({ unique_name }) => unique_name === name))
      throw new ApiError(400, 80603, 'Session UniqueName must be unique')
    const people = form.getAll('Participants').map(text => JSON.parse(text))
    if (people.length > 2) throw new ApiError(400, 80609, 'Session can have at most 2 participants')
    const session = addSession(serviceSid, {
      unique_name: name,
      date_expiry: form.get('DateExpiry'),
      ttl: Number(form.get('Ttl') ?? 0),
      mode: form.get('Mode') ?? 'voice-and-message',
      status: form.get('Status') ?? 'open',
    })
    for (const { Identifier, FriendlyName = null } of people) {
      if (typeof Identifier !== 'string' || !/^\+\d{8,15}$/.test(Identifier))
        throw new ApiError(400, 80404, 'Identifier is not a valid, reachable identity')
      addParticipant(session, Identifier, { friendly_name: FriendlyName })
    }
    return session
  }

  function updateSession(session: StoredSession, form: URLSearchParams): StoredSession {
    const status = form.get('Status')
    if (session.status === 'closed' && status === null) throw new ApiError(400, 80607, 'Session Closed')
    if (status !== null) setStatus(session, status)
    const expiry = form.get('DateExpiry')
    if (expiry !== null) change(session, { date_expiry: expiry })
    const ttl = form.get('Ttl')
    if (ttl !== null) change(session, { ttl: Number(ttl) })
    return session
  }

  function deleteSession({ sid }: StoredSession): void {
    sessions.delete(sid)
    for (const rows of [participants, interactions])
      for (const row of of(rows, 'session_sid', sid)) rows.delete(row.sid)
  }

  return {
    ...{ services, sessions, participants, interactions, numbers, of },
    ...{ addService, addSession, addParticipant, interact, change, setStatus, closeExpired },
    ...{ createSession, updateSession, deleteSession },
    addNumber: (serviceSid: string, phone_number: string) =>
      add(numbers, 'PN', { service_sid: serviceSid, phone_number }),
  }
}
