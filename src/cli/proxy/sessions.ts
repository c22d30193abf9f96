/** What `proxy sessions list|get|create|update|delete` do, and all that they say. */
import type * as z from 'zod'
import { SessionCreate, SessionUpdate, whyNot } from '../../proxy/requests.ts'
import type { Session } from '../../proxy/resources.ts'
import { count } from '../sink/diagnose.ts'
import { CliError, type ExitCode, type Terminal } from '../terminal.ts'
import { toCredentials, toSettings } from '../twilio-credentials.ts'
import type { ConnectProxy, ProxyApi } from './api.ts'
import { toHead, toPage, toRow } from './show.ts'

type Named = { readonly service?: string; readonly json?: boolean }
export type ListOptions = Named & { readonly pageSize: number; readonly limit?: number }
export type ChangeOptions = Named & {
  readonly expiry?: string
  readonly ttl?: number
  readonly status?: string
}
export type CreateOptions = ChangeOptions & {
  readonly uniqueName?: string
  readonly mode?: string
  readonly participant?: readonly string[]
}
export type DeleteOptions = Named & { readonly yes?: boolean }

const SESSION = /^KC[0-9a-fA-F]{32}$/
const SERVICE = /^KS[0-9a-fA-F]{32}$/

export function createSessionActions(terminal: Terminal, connectTo: ConnectProxy) {
  async function open({ service }: Named): Promise<{ api: ProxyApi; ks: string }> {
    const credentials = toCredentials(toSettings(terminal.environment()))
    if ('missing' in credentials)
      throw new CliError(`Twilio's API needs credentials: ${credentials.missing}.`, 2)
    const api = await connectTo(credentials)
    return { api, ks: await findService(api, service) }
  }

  async function list(options: ListOptions): Promise<ExitCode> {
    const { limit = Number.POSITIVE_INFINITY, pageSize, json } = options
    const { api, ks } = await open(options)
    let left = limit
    let found = 0
    for await (const page of api.sessions(ks, Math.min(pageSize, limit))) {
      const sessions = page.slice(0, left)
      if (!json && found === 0 && sessions.length > 0) terminal.out(toHead())
      for (const session of sessions) terminal.out(json ? JSON.stringify(session) : toRow(session))
      found += sessions.length
      left -= sessions.length
      if (left === 0) break
    }
    if (found === 0) terminal.say(`The service ${ks} has no sessions.`)
    else if (left === 0) terminal.say(`Only ${count(found, 'session')}; --limit shows more.`)
    return 0
  }

  async function get(sid: string, options: Named): Promise<ExitCode> {
    const { api, ks } = await open(options)
    const session = await api.session(ks, toSession(sid))
    const [participants, interactions] = await Promise.all([
      api.participants(ks, sid),
      api.interactions(ks, sid),
    ])
    if (options.json) terminal.out(JSON.stringify({ ...session, participants, interactions }))
    else for (const line of toPage(session, participants, interactions)) terminal.out(line)
    return 0
  }

  async function create(options: CreateOptions): Promise<ExitCode> {
    const { participant, uniqueName, mode } = options
    const session = judge(SessionCreate, {
      ...toChange(options),
      ...(uniqueName !== undefined && { uniqueName }),
      ...(mode !== undefined && { mode }),
      ...(participant && { participants: participant.map(toParticipant) }),
    })
    const { api, ks } = await open(options)
    show(await api.create(ks, session), options)
    return 0
  }

  async function update(sid: string, options: ChangeOptions): Promise<ExitCode> {
    const change = judge(SessionUpdate, toChange(options))
    const { api, ks } = await open(options)
    const { status: current } = await api.session(ks, toSession(sid))
    const fault = whyNot(change, current)
    if (fault) throw new CliError(`${sid} is ${current}: ${fault}. Nothing was changed.`, 2)
    for (const line of toConsequences(change, current)) terminal.say(line)
    show(await api.update(ks, sid, change), options)
    return 0
  }

  async function remove(sid: string, options: DeleteOptions): Promise<ExitCode> {
    const { api, ks } = await open(options)
    const { unique_name, status } = await api.session(ks, toSession(sid))
    const [participants, interactions] = await Promise.all([
      api.participants(ks, sid),
      api.interactions(ks, sid),
    ])
    terminal.say(
      `Delete ${sid}${unique_name ? ` "${unique_name}"` : ''} (${status}) with ${count(participants.length, 'participant')} and ${count(interactions.length, 'interaction')}: they cannot be read any more. The records of its messages and calls stay for 90 days after it was closed, then Twilio deletes them too.`,
    )
    if (!(options.yes || (await isConfirmed()))) {
      terminal.say('Nothing was deleted.')
      return 1
    }
    await api.remove(ks, sid)
    terminal.say(`Deleted the session ${sid}.`)
    if (options.json) terminal.out(JSON.stringify({ sid, deleted: true }))
    return 0
  }

  async function isConfirmed(): Promise<boolean> {
    if (!terminal.isInteractive) throw new CliError('Not a terminal: pass --yes to confirm.', 2)
    return /^y(es)?$/i.test((await terminal.ask('Delete it? [y/N] ')).trim())
  }

  function show(session: Session, { json }: Named): void {
    if (json) terminal.out(JSON.stringify(session))
    else for (const line of [toHead(), toRow(session)]) terminal.out(line)
  }

  return { list, get, create, update, remove }
}

/** The one that is named, by SID or unique name; or the only one there is. */
async function findService(api: ProxyApi, named: string | undefined): Promise<string> {
  if (named !== undefined && SERVICE.test(named)) return named
  const services = await api.services()
  const fitting = services.filter(({ unique_name }) => named === undefined || unique_name === named)
  const [only] = fitting
  if (only && fitting.length === 1) return only.sid
  if (services.length === 0) throw new CliError('The account has no Proxy service.')
  const names = services.map(({ sid, unique_name }) => `  ${sid}  ${unique_name ?? ''}`).join('\n')
  throw new CliError(
    `${named === undefined ? 'Which service? Name one with --service' : `There is no service "${named}"`}:\n${names}`,
    2,
  )
}

function toSession(sid: string): string {
  if (SESSION.test(sid)) return sid
  throw new CliError(
    `"${sid}" is no SID of a session: KC and 32 hex digits; "npx twilio-segment-bridge proxy sessions list" shows them.`,
    2,
  )
}

function toChange({ expiry, ttl, status }: ChangeOptions) {
  return {
    ...(expiry !== undefined && { dateExpiry: expiry }),
    ...(ttl !== undefined && { ttl }),
    ...(status !== undefined && { status }),
  }
}

/** `identifier=friendly name` */
function toParticipant(text: string) {
  const equals = text.indexOf('=')
  if (equals < 0) return { identifier: text }
  return { identifier: text.slice(0, equals), friendlyName: text.slice(equals + 1) }
}

const options: Readonly<Record<string, string>> = {
  dateExpiry: '--expiry',
  uniqueName: '--unique-name',
  participants: '--participant',
}

function judge<Schema extends z.ZodType>(schema: Schema, value: unknown): z.infer<Schema> {
  const read = schema.safeParse(value)
  if (read.success) return read.data
  const faults = read.error.issues.map(({ path, message }) => {
    const [field] = path
    return field === undefined ? message : `${options[String(field)] ?? `--${String(field)}`}: ${message}`
  })
  throw new CliError(`Twilio would not take it: ${faults.join('; ')}.`, 2)
}

/** What Twilio does about it, said before the call. */
function* toConsequences(change: SessionUpdate, current: string | undefined): Generator<string, void> {
  if (change.status === 'in-progress')
    yield 'Reopening: the participants and their masked numbers stay, the end and the closed reason are cleared. Twilio refuses it if a participant would be in two active sessions.'
  if (change.status === 'closed')
    yield 'Closing: calls and messages to the masked numbers are out of session from now on. A closed session can be reopened.'
  if (change.dateExpiry !== undefined) yield 'The expiry overrides the ttl.'
  if (change.ttl !== undefined && change.dateExpiry === undefined && current !== 'closed')
    yield 'The ttl counts from the last interaction, and each new one starts it anew; an expiry that is set overrides it.'
}
