/**
 * The path from the outbox on: everything that happens where the events are kept, after Twilio has its answer.
 *
 *   put ─▶ outbox ─ sort ─▶ drain: claim → map → pack → deliver ─▶ Segment
 *                                                    └ failures ─▶ teller ─▶ operator
 *
 * One owner an outbox: a thread on Node, a Durable Object on Workers. The host calls `drain` and `tick` when they are due.
 */
import type { Settings } from './config.ts'
import type { Observe } from './meters.ts'
import type { Leased, Settlement } from './outbox/lease.ts'
import type { OutboxStore } from './outbox/outbox.ts'
import { createPruneTurns } from './outbox/prune.ts'
import type { Parcel } from './outbox/put.ts'
import { EVENTS_A_LARGE_TURN } from './outbox/sort.ts'
import type { Log, Stored } from './ports.ts'
import type { Reason } from './reasons.ts'
import { type Deliver, failed } from './send/deliver.ts'
import type { Dispatched, DispatchPorts, LineFailure, Overhead } from './send/dispatch.ts'
import { dispatch } from './send/dispatch.ts'
import { createDoubt } from './send/doubt.ts'
import type { Failure, Standing } from './send/notify.ts'
import { BATCH_BYTES } from './send/pack.ts'
import { createRate } from './send/rate.ts'
import { toErrorText } from './send/redact.ts'
import { afterFailure, FIRST_RETRY_MS, type Line, openLine, restoreLine, toRest } from './send/retry.ts'
import type { About, Teller } from './send/tell.ts'
import { createStorageFaults, probe, type StorageReason } from './storage-faults.ts'

export type DepotParts = {
  readonly settings: Settings
  readonly outbox: OutboxStore
  readonly deliver: Deliver
  readonly overhead: Overhead
  readonly log: Log
  readonly now: () => number
  readonly random: () => number
  /** Who tells the operator: notices here, or a clock that several outboxes share. */
  readonly tell: (about: () => About) => DepotTeller
  readonly observe: Observe
  /** Goes on where it stopped, back-off included: for a host that puts an idle outbox to sleep. A restart begins at once. */
  readonly resume?: boolean
}

export type DepotTeller = Pick<Teller, 'failed' | 'recovered' | 'verified' | 'standing'> & { tick(): void }

export type Depot = {
  /** Group commit: all parcels or, when that fails, each for itself. */
  put(parcels: readonly Parcel[]): Stored[]
  report(failure: Failure): void
  /** One batch at most, of at most so many events. Returns when to come back, ms since 1970 (the past: at once); `undefined`: nothing is due. */
  drain(events?: number): Promise<number | undefined>
  /** Upkeep: pruning, due notices, a probe of an outbox that failed. To be called about once a second. */
  tick(): void
  /** By a person: ends any wait, so that the next `drain` tries at once. */
  deliverNow(): void
  /** Sorts all that is kept but not sorted, or about so many events of it, so that what is read next is the whole account. */
  settleAccounts(events?: number): void
  health(): Health
}

/** `text` is for people with the admin token: it may hold what the storage said. */
export type Trouble = { readonly reason: Reason; readonly text: string }

export type Health = {
  /** Why the outbox takes nothing now; empty when it does. */
  readonly troubles: readonly Trouble[]
  readonly line: Line
  readonly notices: Standing
}

type Unsettled = Pick<Dispatched, 'settlements' | 'tried'> & { readonly leased: readonly Leased[] }

/** How soon a failed write to the outbox is tried again. */
const MEND_MS = 1_000
/** The name under which a sleeping outbox remembers how its destination did. */
const LINE = 'line'
/** Half of what a request may hold: the SDK makes some hundred objects of each event, and two lanes hold theirs at once. */
export const CLAIM_EVENTS = 250
/** So many are sorted for each that is claimed, until all are: then sorting soon catches up, and copies are not counted. */
const SORTED_AHEAD = 2

export function createDepot(parts: DepotParts): Depot {
  const { settings, outbox, log, now } = parts
  const rate = createRate(settings.SEGMENT_RATE)
  let line: Line = parts.resume ? restoreLine(outbox.recall(LINE)) : openLine
  /** Events on their way. */
  let inFlight = 0
  const unsettled: Unsettled[] = []
  const faults = createStorageFaults(log)
  let account = settings.TWILIO_ACCOUNT_SID

  const prune = createPruneTurns(outbox, settings.RETENTION_DAYS === 0)
  const teller = parts.tell(about)
  const isDelivered = ({ state, reason }: Settlement) =>
    state === ports.delivered.state && reason === ports.delivered.reason
  const doubt = createDoubt(isDelivered)

  const ports: DispatchPorts = {
    ...parts,
    delivered: settings.SEGMENT_WRITE_KEY ? { state: 'accepted' } : { state: 'skipped', reason: 'dry_run' },
    believes: doubt.believes,
    note(delivery) {
      parts.observe({
        reason: delivery.reason ?? 'accepted',
        seconds: delivery.tookMs / 1_000,
        events: delivery.events,
      })
      write(() => outbox.note(delivery))
    },
  }

  /** False when the outbox cannot be written now; what to do then is up to the caller. */
  const write = (work: () => void): boolean => faults.attempt('write', work) === undefined
  const read = (work: () => void): boolean => faults.attempt('read', work) === undefined

  function about(): About {
    let waitingSince: number | undefined
    read(() => (waitingSince = outbox.oldestPendingAt()))
    const nextAttemptAt = line.failures > 0 ? line.notBefore : undefined
    return { accountSid: account, waiting: waiting(), waitingSince, nextAttemptAt, failing: line.reason }
  }

  /** `count`: of the requests that were turned away for it. */
  function tellOfFaults(count: number): void {
    teller.failed(faults.open().map(([reason, answer]) => ({ reason, at: now(), count, answer })))
  }

  /** Only a write that needed room proves that there is some. */
  function mended(reason: StorageReason): void {
    faults.mended(reason)
    if (faults.open().length === 0) teller.recovered('outbox')
  }

  function waiting(): number {
    return outbox.total('pending') + outbox.unsorted()
  }

  function backlogIsFull(): boolean {
    return settings.MAX_BACKLOG > 0 && waiting() >= settings.MAX_BACKLOG
  }

  function put(parcels: readonly Parcel[]): Stored[] {
    if (backlogIsFull()) {
      teller.failed([{ reason: 'backlog_full', at: now(), count: parcels.length }])
      return parcels.map(() => ({
        stored: false,
        reason: 'backlog_full',
        detail: `${settings.MAX_BACKLOG} events wait`,
      }))
    }
    const fault = faults.attempt('write', () => outbox.put(parcels, now()))
    if (fault === undefined) {
      mended('outbox_unwritable')
      // What is stored was signed by Twilio: who fails at that meanwhile is somebody else.
      teller.verified()
      tellOfRejected(parcels)
      return parcels.map(() => ({ stored: true }))
    }
    // One that cannot be stored must not take its neighbours down.
    if (parcels.length > 1) return parcels.flatMap(parcel => put([parcel]))
    tellOfFaults(1)
    return [{ stored: false, reason: fault, detail: new Map(faults.open()).get(fault) ?? '' }]
  }

  function tellOfRejected(parcels: readonly Parcel[]): void {
    account ??= /Accounts\/(AC[0-9a-fA-F]{32})\b/.exec(parcels[0]?.source ?? '')?.[1]
    const tell = ({ receivedAt, rejected }: Parcel): Failure[] =>
      rejected.map(({ reason, id }) => ({ reason, at: receivedAt, count: 1, firstId: id }))
    teller.failed(parcels.flatMap(tell))
  }

  async function drain(events = CLAIM_EVENTS): Promise<number | undefined> {
    for (const batch of unsettled.splice(0)) settle(batch)
    if (unsettled.length > 0) return now() + MEND_MS
    let sorted = 0
    if (!write(() => (sorted = outbox.sort(events * SORTED_AHEAD)))) return now() + MEND_MS
    const rest = toRest(line, now())
    if (rest > 0) return sorted > 0 ? now() : now() + rest
    // After a failure one batch alone feels its way; the other lanes wait for what it finds.
    if (line.failures > 0 && inFlight > 0) return undefined
    let wanted = 0
    if (!read(() => (wanted = outbox.claimable(Math.min(events, rate.most))))) return now() + MEND_MS
    const wait = wanted > 0 ? rate.take(wanted, now()) : 0
    if (wait > 0) return sorted > 0 ? now() : now() + wait
    const leased: Leased[] = []
    const hasCanary = doubt.wantsCanary(line)
    const isRead = read(() => {
      // First, so that it is in the first request and in the first half of every halving.
      if (hasCanary) leased.push(...outbox.claimNewest(now()))
      leased.push(...outbox.claim(wanted - leased.length, BATCH_BYTES * 2, now()))
    })
    if (!isRead) outbox.release(leased.splice(0))
    rate.giveBack(wanted - leased.length)
    if (!isRead) return now() + MEND_MS
    if (leased.length === 0) return sorted > 0 ? now() : undefined
    const before = line
    inFlight += leased.length
    const { settlements, failure, tried } = await dispatch(leased, ports).catch(blame(leased))
    inFlight -= leased.length
    settle({ leased, settlements, tried })
    doubt.count(settlements)
    if (failure) fail(failure, hasCanary)
    // What another lane has learned meanwhile, such as a wait it was told, is newer.
    else if (line === before && settlements.some(isDelivered)) succeed()
    return now()
  }

  /** A bug of ours: the events stay pending, and the line backs off like for any other failure. */
  function blame(events: readonly Leased[]): (error: unknown) => Dispatched {
    return error => {
      log.error({ err: error }, 'a batch could not be handed over')
      return {
        settlements: [],
        tried: [],
        failure: { ...failed('bridge_fault', undefined, toErrorText(error)), events },
      }
    }
  }

  /** What Segment has answered must be kept, or it would be sent again: until the outbox takes it, nothing else goes. */
  function settle(batch: Unsettled): void {
    const { leased, settlements, tried } = batch
    if (!write(() => outbox.settle(settlements, now(), tried))) {
      tellOfFaults(0)
      unsettled.push(batch)
      return
    }
    outbox.release(leased)
    const dead = settlements.filter(({ state }) => state === 'refused' || state === 'rejected')
    teller.failed(
      dead.flatMap(({ reason, detail, event: { element } }) =>
        reason ? [{ reason, at: now(), count: 1, answer: detail, firstId: idOf(element) }] : [],
      ),
    )
  }

  function fail({ reason, status, answer, waitToldMs, events }: LineFailure, hadCanary: boolean): void {
    const after = afterFailure(line, reason, waitToldMs, now(), parts.random())
    // It may be poison alone: the canary of the next batch tells, and need not wait for the pause.
    const isOpen = reason === 'segment_refuses_all' && !hadCanary
    line = isOpen ? { ...after, notBefore: now() + FIRST_RETRY_MS } : after
    keepLine()
    const firstId = idOf(events[0]?.element)
    const lastId = idOf(events.at(-1)?.element)
    teller.failed([{ reason, at: now(), count: events.length, status, answer, firstId, lastId }])
  }

  function keepLine(): void {
    if (parts.resume) write(() => outbox.remember(LINE, JSON.stringify(line)))
  }

  function succeed(): void {
    const failed = line.failures > 0
    line = openLine
    if (failed) keepLine()
    teller.recovered('delivery')
  }

  return {
    put,
    report: failure => teller.failed([failure]),
    drain,
    tick() {
      teller.tick()
      write(() => prune(now()))
      write(() => outbox.compareCounts(now()))
      teller.failed(outbox.takeDamage().map(damage => ({ ...damage, at: now() })))
      for (const [reason] of faults.open()) if (probe(reason, faults, outbox, now())) mended(reason)
      tellOfFaults(0)
    },
    deliverNow() {
      line = { ...line, notBefore: 0 }
      keepLine()
    },
    settleAccounts(events = Number.POSITIVE_INFINITY) {
      write(() => {
        for (let left = events, sorted = 1; left > 0 && sorted > 0; left -= sorted)
          sorted = outbox.sort(Math.min(left, EVENTS_A_LARGE_TURN))
      })
    },
    health() {
      const troubles: Trouble[] = faults.troubles()
      const add = (reason: Reason, text: string) => troubles.push({ reason, text })
      if (backlogIsFull())
        add('backlog_full', `the backlog has reached MAX_BACKLOG (${settings.MAX_BACKLOG} events)`)
      return { troubles, line, notices: teller.standing() }
    },
  }
}

function idOf(element: unknown): string | undefined {
  if (typeof element !== 'object' || element === null || !('id' in element)) return undefined
  return typeof element.id === 'string' ? element.id : undefined
}
