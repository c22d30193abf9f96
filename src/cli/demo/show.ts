/** What the demo prints of an event: what Twilio sent beside what Segment received. Pure. */
import type { Sample } from '../send/samples.ts'
import type { Track } from './segment.ts'

export function toHeading(text: string): string {
  return `\n── ${text} ${'─'.repeat(Math.max(0, 76 - text.length))}`
}

export function toRows(event: Sample, customer: string, track: Track | undefined): string[] {
  const count = (fields: object = {}) => `${Object.keys(fields).length} fields`
  const rows = [
    ['', 'Twilio sent', 'Segment received'],
    ['type', event.type, track?.event],
    ['id', event.id, `messageId ${track?.messageId}`],
    ['time', event.time, `timestamp ${track?.timestamp}`],
    ['customer', customer, toExternalIds(track)],
    ['data', count(event.data), `properties, ${count(track?.properties)}`],
  ]
  return rows.map(([name = '', sent = '', got = '']) => `  ${name.padEnd(9)} ${sent.padEnd(48)} ${got}`)
}

function toExternalIds(track: Track | undefined): string {
  const ids = track?.context.externalIds ?? []
  return ids.map(({ type, id }) => `externalId ${type} ${id}`).join(', ') || '(none)'
}
