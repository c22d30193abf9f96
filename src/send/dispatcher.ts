/**
 * The path from the outbox on: everything that happens where the events are kept, after Twilio has its answer.
 *
 *   append ─▶ outbox ─▶ deliverNextBatch: index → claim → map → pack → deliver ─▶ destination
 *                                                              └ failures ─▶ notifier ─▶ operator
 *
 * One owner an outbox: a thread on Node, a Durable Object on Workers. The host calls `deliverNextBatch` and `tick` when they are due.
 */

import type { About, Notifier } from '../alerts/notifier.ts'
import type { Failure, Standing } from '../alerts/throttle.ts'
import type { Settings } from '../config.ts'
import type { Stored } from '../event/received-request.ts'
import type { ImportCounts } from '../outbox/queries.ts'
import type { RequestRow } from '../outbox/request-row.ts'
import type { OutboxAtHand } from '../outbox/store.ts'
import { createPruneTurns } from '../outbox/upkeep.ts'
import type { Reason } from '../reasons.ts'
import type { Log } from '../runtime.ts'
import type { Observe } from '../stats/metrics.ts'
import type { OpenDestination } from './destination.ts'
import { createIndexBudget } from './index-budget.ts'
import { createLanes, type DestinationHealth, type Lanes } from './lanes.ts'
import { createStorageFaults, probe, type StorageReason } from './storage-faults.ts'

export type DispatcherParts = {
  readonly settings: Settings
  readonly outbox: OutboxAtHand
  /** At least one. */
  readonly destinations: readonly OpenDestination[]
  /** Ends what is on its way: the process is about to stop. */
  readonly signal?: AbortSignal | undefined
  readonly log: Log
  readonly now: () => number
  readonly random: () => number
  /** Who tells the operator: notices here, or a clock that several outboxes share. */
  readonly openNotifier: (about: () => About) => DispatcherNotifier
  readonly observe: Observe
  /** Goes on where it stopped, back-off included: for a host that puts an idle outbox to sleep. A restart begins at once. */
  readonly resume?: boolean
  /** False once the requests that the host allows for now are spent. */
  readonly maySend?: () => boolean
}

export type DispatcherNotifier = Pick<Notifier, 'failed' | 'recovered' | 'verified' | 'standing'> & {
  tick(): void
}

export type Dispatcher = {
  /** Group commit: all parcels or, when that fails, each for itself. Only for what comes from the webhook: Twilio signed it. */
  append(rows: readonly RequestRow[]): Stored[]
  /** By a person's wish: all of them or none, indexed at once. */
  import(rows: readonly RequestRow[]): ImportCounts | TurnedAway
  report(failure: Failure): void
  /**
   * Indexes a turn of what is stored, if the budget allows, and delivers one batch at most to that destination, or to each.
   * Returns when to come back, ms since 1970 (the past: at once); `undefined`: nothing is due.
   */
  deliverNextBatch(destination?: string): Promise<number | undefined>
  readonly lanes: Pick<Lanes, 'ids' | 'names' | 'pause' | 'resume' | 'confirm'>
  /** Upkeep: pruning, due notices, a probe of an outbox that failed. To be called about once a second. */
  tick(): void
  /** By a person: ends any wait, of the line and of what is held back. */
  deliverNow(destination?: string): void
  /** Indexes what is stored and not indexed yet, or about so many events of it, whatever the budget says. */
  indexPending(events?: number): void
  /** How many more a person may have sent again now: half of MAX_BACKLOG is for what Twilio sends. */
  roomForPerson(): number
  /** Everything that is stored by now, with turns for others in between. Ends early when the outbox cannot be written. */
  indexAll(): Promise<void>
  health(): Health
}

type TurnedAway = Extract<Stored, { stored: false }>

/** `text` is for people with the admin token: it may hold what the storage said. */
export type Trouble = { readonly reason: Reason; readonly text: string }

export type Health = {
  /** Why the outbox takes nothing now; empty when it does. */
  readonly troubles: readonly Trouble[]
  /** In the order of the settings. */
  readonly destinations: readonly DestinationHealth[]
  readonly notices: Standing
}

/** So many events are indexed before a read, or at a stretch by what needs all of them: some 30 ms of work. */
export const EVENTS_A_READ = 2_000

export function createDispatcher(parts: DispatcherParts): Dispatcher {
  const { settings, outbox, log, now } = parts
  const faults = createStorageFaults(log)
  let account = settings.TWILIO_ACCOUNT_SID

  /** False when the outbox cannot be written now; what to do then is up to the caller. */
  const write = (work: () => void): boolean => faults.attempt('write', work) === undefined
  const read = (work: () => void): boolean => faults.attempt('read', work) === undefined

  const budget = createIndexBudget(fastest(parts.destinations))
  const prune = createPruneTurns(outbox, settings.RETENTION_DAYS === 0)
  const { deliverNextBatch, deliverNow, ...lanes } = createLanes({
    ...parts,
    budget,
    notifier: {
      failed: failures => notifier.failed(failures),
      recovered: (component, by) => notifier.recovered(component, by),
    },
    write,
    read,
    tellOfFaults: () => tellOfFaults(0),
    note(delivery) {
      parts.observe({
        reason: delivery.reason ?? 'accepted',
        seconds: delivery.tookMs / 1_000,
        events: delivery.events,
      })
      write(() => outbox.recordAttempt(delivery))
    },
  })
  const notifier = parts.openNotifier(about)
  tellOfUnconfirmed()

  function about(): About {
    let waitingSince: number | undefined
    read(() => (waitingSince = outbox.oldestPendingAt()))
    const [nextAttemptAt, failing] = [lanes.nextAttemptAt(), lanes.failing()]
    return { accountSid: account, waiting: waiting(), waitingSince, nextAttemptAt, failing }
  }

  function tellOfUnconfirmed(): void {
    for (const { name, text, paused } of lanes.health())
      if (paused === 'change_unconfirmed')
        notifier.failed([{ reason: paused, destination: name, at: now(), count: 1, answer: text }])
  }

  /** `count`: of the requests that were turned away for it. */
  function tellOfFaults(count: number): void {
    notifier.failed(faults.open().map(([reason, answer]) => ({ reason, at: now(), count, answer })))
  }

  /** Only a write that needed room proves that there is some. */
  function mended(reason: StorageReason): void {
    faults.mended(reason)
    if (faults.open().length === 0) notifier.recovered('outbox')
  }

  /** Those held back wait for a person, as dead letters do. */
  function waiting(): number {
    const { pending, held, unsorted } = outbox.figures()
    return pending - held + unsorted
  }

  function backlogIsFull(): boolean {
    return settings.MAX_BACKLOG > 0 && waiting() >= settings.MAX_BACKLOG
  }

  function roomForPerson(): number {
    if (settings.MAX_BACKLOG === 0) return Number.MAX_SAFE_INTEGER
    return Math.max(0, Math.ceil(settings.MAX_BACKLOG / 2) - waiting())
  }

  /** Why they are not stored; `undefined`: they are. `isSigned`: by Twilio. */
  function store(rows: readonly RequestRow[], isSigned: boolean, work: () => void): TurnedAway | undefined {
    if (backlogIsFull()) {
      notifier.failed([{ reason: 'backlog_full', at: now(), count: rows.length }])
      return { stored: false, reason: 'backlog_full', detail: `${settings.MAX_BACKLOG} events wait` }
    }
    const fault = faults.attempt('write', work)
    if (fault !== undefined)
      return { stored: false, reason: fault, detail: new Map(faults.open()).get(fault) ?? '' }
    budget.appended(now())
    mended('outbox_unwritable')
    // Whoever fails to sign meanwhile is somebody else.
    if (isSigned) notifier.verified()
    tellOfRejected(rows)
    return undefined
  }

  function append(rows: readonly RequestRow[]): Stored[] {
    const turnedAway = store(rows, true, () => outbox.append(rows, now()))
    if (turnedAway === undefined) return rows.map(() => ({ stored: true }))
    if (turnedAway.reason === 'backlog_full') return rows.map(() => turnedAway)
    // One that cannot be stored must not take its neighbours down.
    if (rows.length > 1) return rows.flatMap(row => append([row]))
    tellOfFaults(1)
    return [turnedAway]
  }

  function importRows(rows: readonly RequestRow[]): ImportCounts | TurnedAway {
    // What came meanwhile, at a stretch: what cannot be indexed is counted nowhere.
    indexPending()
    const { unsorted, isIndexed } = outbox.figures()
    if (!isIndexed)
      return { stored: false, reason: 'outbox_unwritable', detail: `${unsorted} events cannot be sorted` }
    let counts: ImportCounts = { stored: 0, pending: 0, skipped: 0, duplicates: 0, again: 0 }
    const turnedAway = store(rows, false, () => {
      counts = outbox.import(rows, now())
    })
    if (turnedAway && turnedAway.reason !== 'backlog_full') tellOfFaults(1)
    return turnedAway ?? counts
  }

  function indexPending(events = Number.POSITIVE_INFINITY): void {
    write(() => {
      for (let left = events, indexed = 1; left > 0 && indexed > 0; left -= indexed)
        indexed = outbox.index(Math.min(left, EVENTS_A_READ))
    })
  }

  function tellOfRejected(parcels: readonly RequestRow[]): void {
    account ??= /Accounts\/(AC[0-9a-fA-F]{32})\b/.exec(parcels[0]?.source ?? '')?.[1]
    const tell = ({ receivedAt, rejected }: RequestRow): Failure[] =>
      rejected.map(({ reason, id }) => ({ reason, at: receivedAt, count: 1, firstId: id }))
    notifier.failed(parcels.flatMap(tell))
  }

  return {
    append,
    import: importRows,
    report: failure => notifier.failed([failure]),
    deliverNextBatch,
    lanes,
    tick() {
      notifier.tick()
      write(() => prune(now()))
      write(() => outbox.compareCounts(now()))
      notifier.failed(outbox.takeDamage().map(damage => ({ ...damage, at: now() })))
      for (const [reason] of faults.open()) if (probe(reason, faults, outbox, now())) mended(reason)
      tellOfFaults(0)
    },
    deliverNow,
    indexPending,
    async indexAll() {
      let left = Math.max(1, outbox.figures().unsorted)
      for (let indexed = 1; left > 0 && indexed > 0; left -= indexed) {
        indexed = 0
        write(() => (indexed = outbox.index(EVENTS_A_READ)))
        await new Promise(resolve => setTimeout(resolve, 0))
      }
    },
    roomForPerson,
    health() {
      const troubles: Trouble[] = faults.troubles()
      const add = (reason: Reason, text: string) => troubles.push({ reason, text })
      if (backlogIsFull())
        add('backlog_full', `the backlog has reached MAX_BACKLOG (${settings.MAX_BACKLOG} events)`)
      return { troubles, destinations: lanes.health(), notices: notifier.standing() }
    },
  }
}

/** Events per second; 0: no limit. */
function fastest(destinations: readonly OpenDestination[]): number {
  const rates = destinations.map(({ destination }) => destination.limits.eventsPerSecond)
  return rates.includes(0) ? 0 : Math.max(...rates)
}
