/**
 * A batch → the files it becomes: one for each event type and hour of receipt (UTC). The folders are partitions as DuckDB,
 * BigQuery and Athena know them; their names are none of a CloudEvent's attributes, for BigQuery and Athena refuse a partition
 * that is called like a column.
 *
 *   event_type=com.twilio.messaging.message.sent/received_date=2026-01-02/received_hour=03/20260102T030405Z-<hash>.ndjson.gz
 */
import type { Line } from './line.ts'

export type File = { readonly path: string; readonly lines: readonly string[] }

const TYPE_CHARACTERS = 128
const HASH_CHARACTERS = 32

export async function toFiles(batch: readonly Line[]): Promise<File[]> {
  const folders = new Map<string, Line[]>()
  for (const line of batch) {
    const folder = toFolder(line)
    const lines = folders.get(folder)
    if (lines) lines.push(line)
    else folders.set(folder, [line])
  }
  return Promise.all(
    [...folders].map(async ([folder, lines]) => ({
      path: `${folder}/${await toName(lines)}`,
      lines: lines.map(({ text }) => text),
    })),
  )
}

/** What no file system or URL minds. */
function toFolder({ type, receivedAt }: Line): string {
  const [date, time = ''] = new Date(receivedAt).toISOString().split('T')
  const safe = type.replaceAll(/[^\w.-]/g, '_').slice(0, TYPE_CHARACTERS)
  return `event_type=${safe}/received_date=${date}/received_hour=${time.slice(0, 2)}`
}

/** By the events in the file: the same events always make the same name, so a retry overwrites what an earlier try has stored. */
async function toName(lines: readonly Line[]): Promise<string> {
  const hash = await sha256(new Uint8Array(new TextEncoder().encode(lines.map(({ key }) => key).join('\n'))))
  const at = new Date(lines[0]?.receivedAt ?? 0).toISOString().replaceAll(/[:-]|\.\d+/g, '')
  return `${at}-${hash.slice(0, HASH_CHARACTERS)}.ndjson.gz`
}

/** Lower-case hex. */
export async function sha256(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', bytes))
  return [...digest].map(byte => byte.toString(16).padStart(2, '0')).join('')
}
