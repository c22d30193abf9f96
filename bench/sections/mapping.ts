/** What CPU judging and mapping an event cost, alone and in one process: messages, and a mixed stream of all families, by turns. */

import { readSettings } from '../../src/config.ts'
import { toMapping } from '../../src/event/mapping.ts'
import { validateBy } from '../../src/ingest/validate.ts'
import { toTrack } from '../../src/send/segment/map.ts'
import { type Bench, type Spread, toSpread } from '../bench.ts'
import { createMixedStream } from '../mixed-stream.ts'

const EVENTS = 2_000
const WARM_UP_TURNS = 30
const TURNS_A_ROUND = 20

export type MappingRow = {
  readonly stream: string
  readonly judgeMicros: Spread
  readonly mapMicros: Spread
  /** Of its events those that are sent. */
  readonly sentShare: number
}
export type MappingCost = { readonly title: string; readonly rows: readonly MappingRow[] }

export async function measureMapping({ sizes, say }: Bench): Promise<MappingCost> {
  const read = readSettings({ ALLOW_UNSIGNED: 'true', OWN_NUMBERS: '+15550100100' })
  if (!read.ok) throw new Error('the settings of the bench are wrong')
  const mapping = toMapping(read.settings)
  const mixed = createMixedStream(EVENTS, createDice())
  const messages = createMixedStream(EVENTS * 4, createDice())
    .filter(isMessage)
    .slice(0, EVENTS)
  const now = Date.now()
  const judge = (events: readonly unknown[]) => {
    for (const event of events) validateBy(mapping, event)
  }
  const map = (events: readonly unknown[]) => {
    for (const event of events) toTrack(event, now, undefined, mapping)
  }
  const streams = [
    { stream: 'messages', events: messages, judged: [0].slice(1), mapped: [0].slice(1) },
    { stream: 'all families', events: mixed, judged: [0].slice(1), mapped: [0].slice(1) },
  ]
  for (let turn = 0; turn < WARM_UP_TURNS; turn++) {
    for (const { events } of streams) {
      judge(events)
      map(events)
    }
  }
  for (let round = 0; round < sizes.rounds; round++) {
    say(`mapping: round ${round + 1} of ${sizes.rounds}`)
    for (const { events, judged, mapped } of streams) {
      judged.push(microsOf(() => judge(events), events.length))
      mapped.push(microsOf(() => map(events), events.length))
    }
  }
  return {
    title: 'Judging and mapping an event',
    rows: streams.map(({ stream, events, judged, mapped }) => ({
      stream,
      judgeMicros: toSpread(judged),
      mapMicros: toSpread(mapped),
      sentShare: events.filter(event => toTrack(event, now, undefined, mapping).ok).length / events.length,
    })),
  }
}

function microsOf(work: () => void, events: number): number {
  const before = process.cpuUsage()
  for (let turn = 0; turn < TURNS_A_ROUND; turn++) work()
  const { user, system } = process.cpuUsage(before)
  return (user + system) / (TURNS_A_ROUND * events)
}

function isMessage(event: unknown): boolean {
  return /"type":"com\.twilio\.messaging\.(inbound-)?message\./.test(JSON.stringify(event))
}

/** The same every time (mulberry32). */
function createDice(): () => number {
  let state = 17
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}
