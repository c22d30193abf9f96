/** Dead letters for a person to read. Pure. */
import { onOneLine } from '../../event/visible.ts'
import { type EventReason, eventReasons } from '../../reasons.ts'
import type { Detail, Summary } from './find.ts'

const SHORTENED = 'com.twilio.'

export function toTable(events: readonly Summary[]): string[] {
  const rows = events.map(({ key, receivedAt, state, reason, type, id }) =>
    [
      key,
      receivedAt.replace(/\.\d+Z$/, 'Z'),
      state,
      reason ?? '',
      type.startsWith(SHORTENED) ? type.slice(SHORTENED.length) : type,
      id ?? '',
    ].map(onOneLine),
  )
  const all = [['KEY', 'RECEIVED', 'STATE', 'REASON', 'TYPE', 'ID'], ...rows]
  const widths = all[0]?.map((_, column) => Math.max(...all.map(row => row[column]?.length ?? 0))) ?? []
  return all.map(row =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd(),
  )
}

export function toPage(event: Detail): string[] {
  const {
    key,
    type,
    version,
    id,
    source,
    receivedAt,
    state,
    reason,
    faults,
    answer,
    attempts,
    deliveries,
    received,
    mapped,
    unreadable,
  } = event
  const meaning = toMeaning(reason)
  const isShared = deliveries.length > 1
  return [
    `${key}  ${state}${reason ? `: ${reason}` : ''}`,
    ...(meaning ? [`  ${meaning.title}. ${meaning.remedy}`] : []),
    `  type      ${onOneLine(type || '(none)')}${version ? `, schema version ${version}` : ''}`,
    `  id        ${onOneLine(id ?? '(none)')}`,
    `  source    ${onOneLine(source ?? '(none)')}`,
    `  received  ${receivedAt}`,
    ...section(
      'What is wrong',
      faults.map(({ path, expected, received }) => `${path}: should be ${expected}, is ${received}`),
    ),
    ...(isShared ? section('Deliveries', toDeliveries(deliveries)) : []),
    ...section('What Segment answered', answer === null || isShared ? [] : [answer]),
    ...section(
      'Attempts',
      attempts.map(
        ({ at, destination, status, reason, events, tookMs, answer }) =>
          `${at}  ${isShared ? `${destination}  ` : ''}${status ?? 'no answer'}  ${reason ?? 'accepted'}  with ${events - 1} others, ${tookMs} ms  ${answer}`,
      ),
    ),
    ...section(
      'As received',
      received === null || received === undefined
        ? [unreadable === undefined ? 'its bytes are pruned' : `cannot be read: ${unreadable}`]
        : toJson(received),
    ),
    ...section(
      'The track call it would become',
      mapped === null || mapped === undefined ? ['none, as it is'] : toJson(mapped),
    ),
  ]
}

function toMeaning(reason: string | null): (typeof eventReasons)[EventReason] | undefined {
  return Object.entries(eventReasons).find(([name]) => name === reason)?.[1]
}

function toDeliveries(deliveries: Detail['deliveries']): string[] {
  const width = Math.max(...deliveries.map(({ destination }) => destination.length))
  return deliveries.map(({ destination, state, reason, answer, messageId, attempts, settledAt }) =>
    [
      destination.padEnd(width),
      `${state}${reason ? `: ${reason}` : ''}${settledAt === null ? '' : ` at ${settledAt}`}`,
      `${attempts} ${attempts === 1 ? 'attempt' : 'attempts'}`,
      ...(messageId === null ? [] : [`messageId ${messageId}`]),
      ...(answer === null ? [] : [answer]),
    ].join('  '),
  )
}

function section(title: string, lines: readonly string[]): string[] {
  return lines.length > 0 ? ['', title, ...lines.map(line => `  ${onOneLine(line)}`)] : []
}

function toJson(value: unknown): string[] {
  return (typeof value === 'string' ? value : JSON.stringify(value, undefined, 2)).split('\n')
}
