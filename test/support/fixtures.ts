/** The pairs in test/fixtures: an event as Twilio sends it, and the track call it must become, or `null`. */
import { readdirSync, readFileSync } from 'node:fs'

/** What stands in the expected calls where the event itself gives no time. */
export const RECEIVED_AT = Date.parse('2026-03-04T05:06:07.089Z')

export type Call = Record<string, unknown> & { context: Record<string, unknown> }
export type Pair = { name: string; twilio: Record<string, unknown>; segment: Call | null }

const folder = new URL('../fixtures/', import.meta.url)

export const pairs: readonly Pair[] = readdirSync(folder, { recursive: true, encoding: 'utf8' })
  .filter(file => file.endsWith('.twilio.json'))
  .sort()
  .map(file => {
    const name = file.slice(0, -'.twilio.json'.length)
    return { name, twilio: read(`${name}.twilio.json`), segment: read(`${name}.segment.json`) }
  })

function read(file: string) {
  return JSON.parse(readFileSync(new URL(file, folder), 'utf8'))
}
