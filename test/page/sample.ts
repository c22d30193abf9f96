/** Two weeks of made-up traffic from a seed: what the screenshots show. Numbers are +1555…, accounts AC and zeros. */
import { join } from 'node:path'
import { openSqlite } from '../../src/hosts/node/sqlite.ts'
import { validate } from '../../src/ingest/validate.ts'
import { encodeRow } from '../../src/outbox/encode-row.ts'
import { createOutbox } from '../../src/outbox/sqlite/outbox.ts'
import { inboundMessage, messageStatus } from '../support/twilio.ts'

const HOUR_MS = 3_600_000
const HOURS = 15 * 24
/** Share of a full hour's traffic, by the hour of the day (UTC). */
const day = [1, 1, 1, 1, 1, 2, 3, 5, 7, 9, 10, 10, 9, 9, 10, 10, 9, 8, 7, 6, 5, 3, 2, 1].map(n => n / 10)
const replies = ['Thanks, got it!', 'Can I come at 4 instead?', 'STOP', 'Yes', 'Where is my parcel?', '👍']
const campaigns = ['spring-sale', 'appointment', 'one-time-code', 'shipping']

/** Mulberry32: seeded, good enough to look alive. */
export function createDice(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32
  }
}

export function createTraffic(random: () => number) {
  const pick = <T>(list: readonly T[]): T => {
    const [first] = list
    const chosen = list[Math.floor(random() * list.length)] ?? first
    if (chosen === undefined) throw new Error('Nothing to pick from')
    return chosen
  }
  const digits = (count: number) => String(Math.floor(random() * 10 ** count)).padStart(count, '0')
  const hex = (count: number) =>
    Array.from({ length: count }, () => Math.floor(random() * 16).toString(16)).join('')

  function status(type: string, at: number) {
    const whatsapp = random() < 0.2
    const number = `+1555${digits(7)}`
    const event = messageStatus({
      type,
      id: `EZ${hex(32)}`,
      to: whatsapp ? `whatsapp:${number}` : number,
      time: new Date(at).toISOString(),
      data: {
        messageSid: `SM${hex(32)}`,
        tags: { campaign: pick(campaigns) },
        ...(random() < 0.85 && { messagingServiceSid: `MG${'0'.repeat(32)}` }),
        ...(type === 'failed' && { errorCode: pick([30003, 30005, 30006]) }),
      },
    })
    return {
      ...event,
      source: `/2010-04-01/Accounts/${event.data.accountSid}/Messages/${event.data.messageSid}.json`,
    }
  }

  return {
    pick,
    status,
    inbound: (at: number) =>
      inboundMessage({
        id: `EZ${hex(32)}`,
        to: `+1555${digits(7)}`,
        time: new Date(at).toISOString(),
        data: { messageSid: `SM${hex(32)}`, body: pick(replies) },
      }),
    /** As a version would that Twilio had changed under us. */
    broken(at: number) {
      const event = status('delivered', at)
      const wrong = random() < 0.5 ? { messageStatus: 7 } : { to: null }
      return { ...event, data: { ...event.data, ...wrong } }
    },
  }
}

/** Before the bridge starts: 15 days up to the running hour, with a lull, a rush, and a type that went silent. */
export function fillOutbox(dataDir: string, now: number, random: () => number): void {
  const traffic = createTraffic(random)
  const sql = openSqlite(join(dataDir, 'outbox.db'))
  const outbox = createOutbox(sql, { retentionMs: 7 * 24 * HOUR_MS, dedupeMs: 72 * HOUR_MS })
  const running = Math.floor(now / HOUR_MS) * HOUR_MS
  for (let ago = HOURS; ago >= 1; ago -= 1) {
    const hour = running - ago * HOUR_MS
    const busy = day[new Date(hour).getUTCHours()] ?? 1
    const times = (perHour: number) => {
      const odd = ago === 9 ? 0.2 : ago === 5 ? 2.6 : 1
      const count = Math.round(perHour * busy * odd * (0.85 + random() * 0.3))
      return Array.from({ length: count }, () => hour + Math.floor(random() * HOUR_MS)).sort((a, b) => a - b)
    }
    const events: [at: number, event: unknown][] = [
      ...times(40).map((at): [number, unknown] => [at, traffic.status('sent', at)]),
      ...times(38).map((at): [number, unknown] => [at, traffic.status('delivered', at)]),
      ...times(6).map((at): [number, unknown] => [at, traffic.inbound(at)]),
      ...times(2).map((at): [number, unknown] => [at, traffic.status('failed', at)]),
      ...times(ago > 30 ? 9 : 0).map((at): [number, unknown] => [at, traffic.status('read', at)]),
      ...times(0.5).map((at): [number, unknown] => [at, traffic.broken(at)]),
    ]
    for (const [at, event] of events) {
      const copies = random() < 0.01 ? 2 : 1
      const entries = [validate(event)]
      const body = JSON.stringify([event])
      for (let copy = 0; copy < copies; copy += 1)
        outbox.append([encodeRow({ body, encoding: 'text', receivedAt: at + 240, entries })], at + 243)
    }
    while (outbox.index() > 0);
  }
  sql.close()
}
