/** Sessions of Twilio Proxy for a person to read. Pure. */
import { onOneLine } from '../../event/visible.ts'
import type { Interaction, Participant, Session } from '../../proxy/resources.ts'

/** Fixed, for a list of any length is printed page by page. */
const columns = [
  ['SID', 34],
  ['STATUS', 11],
  ['MODE', 17],
  ['CREATED', 20],
  ['LAST INTERACTION', 20],
  ['EXPIRES', 20],
  ['ENDED', 20],
  ['UNIQUE NAME', 0],
] as const

export const toHead = (): string => toLine(columns.map(([name]) => name))

export function toRow(session: Session): string {
  const { sid, status, mode, date_created, date_last_interaction, date_expiry, date_ended, unique_name } =
    session
  return toLine([
    sid,
    status,
    mode,
    date_created,
    date_last_interaction,
    date_expiry,
    date_ended,
    unique_name,
  ])
}

function toLine(cells: readonly (string | undefined)[]): string {
  return cells
    .map((cell, at) => onOneLine(cell ?? '-').padEnd(columns[at]?.[1] ?? 0))
    .join('  ')
    .trimEnd()
}

export function toPage(
  session: Session,
  participants: readonly Participant[],
  interactions: readonly Interaction[],
): string[] {
  const line = (name: string, value: string | number | undefined) =>
    value === undefined ? [] : [`  ${name.padEnd(17)} ${onOneLine(String(value))}`]
  return [
    `${session.sid}  ${session.status ?? 'unknown'}`,
    ...line('unique name', session.unique_name),
    ...line('service', session.service_sid),
    ...line('mode', session.mode),
    ...line('ttl', session.ttl === undefined ? undefined : `${session.ttl} s`),
    ...line('created', session.date_created),
    ...line('started', session.date_started),
    ...line('last interaction', session.date_last_interaction),
    ...line('expires', session.date_expiry),
    ...line('ended', session.date_ended),
    ...line('closed reason', session.closed_reason),
    ...line('updated', session.date_updated),
    ...participants.flatMap(({ sid, identifier, friendly_name, proxy_identifier }) =>
      line(
        'participant',
        [sid, identifier, friendly_name, proxy_identifier && `sees ${proxy_identifier}`]
          .filter(Boolean)
          .join('  '),
      ),
    ),
    ...line('interactions', interactions.length),
  ]
}
