/**
 * Readings of the outbox → messages for the pages that watch. However many watch, there is one reading a second, and none
 * while nobody does. A page that joins is brought up to where the others are by a reading of its own.
 */

import type { PulseQuery } from '../admin/changes.ts'
import type { EventState } from '../outbox/queries.ts'
import { toPulseJson } from './event-json.ts'
import type { RatedPulse, RatesApi } from './rates-routes.ts'

export type Listener = {
  send(message: string): void
  end(): void
}

export type Feed = {
  /** From a cursor on, or from the newest event on. Returns what to call when the page goes. */
  join(after: string | undefined, listener: Listener): () => void
  /** Sends everybody away. */
  end(): void
}

export type FeedParts = {
  readonly pulse: RatesApi['pulse']
  /** Readings after which everybody is sent away: each costs the host some of what one request may ask for. */
  readonly readings: number
  readonly failed: (error: unknown) => void
}

const READ_EVERY_MS = 1_000
/** Nothing new for so long: a message all the same, so that page and proxies know that the line is open. */
const HEARTBEAT_MS = 5_000
const EVENTS_A_MESSAGE = 100
/** Events whose states are told when a page joins, which may have listed them; and that are followed until they settle. */
const FOLLOWED = 200

export function createFeed({ pulse, readings, failed }: FeedParts): Feed {
  const joining = new Map<Listener, string | undefined>()
  const joined = new Set<Listener>()
  /** Events that are not settled → what was told of them last. */
  const open = new Map<string, string>()
  let cursor: string | undefined
  let toldStats = ''
  let toldAt = 0
  let left = readings
  let timer: ReturnType<typeof setTimeout> | undefined
  let isReading = false

  function stopWaiting(): void {
    if (timer !== undefined) clearTimeout(timer)
  }

  function schedule(waitMs: number): void {
    stopWaiting()
    if (!isReading && joining.size + joined.size > 0) timer = setTimeout(() => void turn(), waitMs)
  }

  async function turn(): Promise<void> {
    isReading = true
    try {
      if (joined.size > 0) await tellAll()
      for (const [listener, after] of [...joining]) await tellFirst(listener, after)
    } catch (error) {
      failed(error)
      end()
    }
    isReading = false
    if (left <= 0) end()
    schedule(joining.size > 0 ? 0 : READ_EVERY_MS)
  }

  async function read(query: Partial<PulseQuery>): Promise<RatedPulse> {
    left -= 1
    return pulse({ keys: [], recent: 0, limit: EVENTS_A_MESSAGE, ...query })
  }

  async function tellAll(): Promise<void> {
    const told = await read({ after: cursor, keys: [...open.keys()] })
    cursor = told.cursor
    const changes = follow(told)
    const { oldestPendingSeconds: _, ...figures } = told.stats
    const stats = JSON.stringify(figures)
    const isNews = told.events.length > 0 || changes.length > 0 || stats !== toldStats
    if (!isNews && Date.now() < toldAt + HEARTBEAT_MS) return
    toldStats = stats
    toldAt = Date.now()
    const message = toMessage({ ...told, changes })
    for (const listener of [...joined]) listener.send(message)
  }

  async function tellFirst(listener: Listener, after: string | undefined): Promise<void> {
    if (joined.size === 0) cursor = undefined
    const told = await read({ after: after ?? cursor, upTo: cursor, recent: FOLLOWED })
    cursor ??= told.cursor
    follow(told)
    // It may have gone meanwhile.
    if (!joining.delete(listener)) return
    joined.add(listener)
    listener.send(toMessage(told))
  }

  /** Which of the states told are news, oldest news first forgotten when there are too many to follow. */
  function follow({ events, changes }: Pick<RatedPulse, 'events' | 'changes'>): EventState[] {
    const known = new Set(changes.map(({ key }) => key))
    const news = changes.filter(change => {
      const text = JSON.stringify(change)
      const isNew = open.get(change.key) !== text
      if (change.state === 'pending') open.set(change.key, text)
      else open.delete(change.key)
      return isNew
    })
    for (const { key, state } of events.toReversed()) {
      if (state === 'pending' && !known.has(key)) open.set(key, '')
    }
    for (const key of open.keys()) if (open.size > FOLLOWED) open.delete(key)
    return news
  }

  function end(): void {
    const all = [...joining.keys(), ...joined]
    joining.clear()
    joined.clear()
    stopWaiting()
    for (const listener of all) listener.end()
  }

  return {
    end,
    join(after, listener) {
      joining.set(listener, after)
      schedule(0)
      return () => {
        joining.delete(listener)
        joined.delete(listener)
        if (joining.size + joined.size > 0) return
        stopWaiting()
        open.clear()
      }
    },
  }
}

function toMessage({ cursor, ...pulse }: RatedPulse): string {
  return `id: ${cursor}\nevent: pulse\ndata: ${JSON.stringify(toPulseJson(pulse))}\n\n`
}
