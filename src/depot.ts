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
import type { OutboxStore } from './outbox/outbox.ts'
import { createPruneTurns } from './outbox/prune.ts'
import type { Parcel } from './outbox/put.ts'
import { EVENTS_A_LARGE_TURN } from './outbox/sort.ts'
import type { Log, Stored } from './ports.ts'
import type { Deliver } from './send/deliver.ts'
import type { Overhead } from './send/dispatch.ts'
import { createDrain, toText } from './send/drain.ts'
import type { Failure, Standing } from './send/notify.ts'
import type { Line } from './send/retry.ts'
import type { About, Teller } from './send/tell.ts'

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
  /** False once the requests that the host allows for now are spent. */
  readonly maySend?: () => boolean
}

export type DepotTeller = Pick<Teller, 'failed' | 'recovered' | 'standing'> & { tick(): void }

export type Depot = {
  /** Group commit: all parcels or, when that fails, each for itself. */
  put(parcels: readonly Parcel[]): Stored[]
  report(failure: Failure): void
  /** One batch at most, of at most so many events. Returns when to come back, ms since 1970 (the past: at once); `undefined`: nothing is due. */
  drain(events?: number): Promise<number | undefined>
  /** Upkeep: pruning, due notices, a probe of an outbox that failed. To be called about once a second. */
  tick(): void
  /** By a person: ends any wait, of the line and of what is held back. */
  deliverNow(): void
  /** Sorts all that is kept but not sorted, or about so many events of it, so that what is read next is the whole account. */
  settleAccounts(events?: number): void
  health(): Health
}

export type Health = {
  /** Why the outbox takes nothing now; empty when it does. */
  readonly troubles: readonly string[]
  readonly line: Line
  readonly notices: Standing
}

/** As much as a usual request, so that a probe does not pass where an intake would fail. */
const PROBE_BYTES = 64 * 1_024

export function createDepot(parts: DepotParts): Depot {
  const { settings, outbox, log, now } = parts
  let writeFault: string | undefined
  let account = settings.TWILIO_ACCOUNT_SID

  const prune = createPruneTurns(outbox, settings.RETENTION_DAYS === 0)
  const teller = parts.tell(about)
  const { drain, deliverNow, line } = createDrain({
    ...parts,
    teller,
    write,
    tellOfWriteFault: () => tellOfWriteFault(0),
    note(delivery) {
      parts.observe({
        reason: delivery.reason ?? 'accepted',
        seconds: delivery.tookMs / 1_000,
        events: delivery.events,
      })
      write(() => outbox.note(delivery))
    },
  })

  /** False when the outbox cannot be written now; what to do then is up to the caller. */
  function write(work: () => void): boolean {
    try {
      work()
      return true
    } catch (error) {
      if (writeFault === undefined) log.error({ fault: toText(error) }, 'the outbox cannot be written')
      writeFault = error instanceof Error ? error.message : String(error)
      return false
    }
  }

  function about(): About {
    let waitingSince: number | undefined
    write(() => (waitingSince = outbox.oldestPendingAt()))
    const { failures, notBefore } = line()
    const nextAttemptAt = failures > 0 ? notBefore : undefined
    return { accountSid: account, waiting: waiting(), waitingSince, nextAttemptAt }
  }

  function tellOfWriteFault(count: number): void {
    teller.failed([{ reason: 'outbox_unwritable', at: now(), count, answer: writeFault }])
  }

  /** Only a write that needed room proves that there is some. */
  function writable(): void {
    writeFault = undefined
    teller.recovered('door')
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
    if (write(() => outbox.put(parcels, now()))) {
      writable()
      tellOfRejected(parcels)
      return parcels.map(() => ({ stored: true }))
    }
    // One that cannot be stored must not take its neighbours down.
    if (parcels.length > 1) return parcels.flatMap(parcel => put([parcel]))
    tellOfWriteFault(1)
    return [{ stored: false, reason: 'outbox_unwritable', detail: writeFault ?? '' }]
  }

  function tellOfRejected(parcels: readonly Parcel[]): void {
    account ??= /Accounts\/(AC[0-9a-fA-F]{32})\b/.exec(parcels[0]?.source ?? '')?.[1]
    const tell = ({ receivedAt, rejected }: Parcel): Failure[] =>
      rejected.map(({ reason, id }) => ({ reason, at: receivedAt, count: 1, firstId: id }))
    teller.failed(parcels.flatMap(tell))
  }

  return {
    put,
    report: failure => teller.failed([failure]),
    drain,
    tick() {
      teller.tick()
      write(() => prune(now()))
      if (writeFault === undefined) return
      // What cannot be sorted is a fault as well, though all else could be written.
      const isMended = write(() => {
        outbox.remember('probe', 'x'.repeat(PROBE_BYTES))
        outbox.sort(1)
      })
      if (isMended) writable()
      else tellOfWriteFault(0)
    },
    deliverNow,
    settleAccounts(events = Number.POSITIVE_INFINITY) {
      write(() => {
        for (let left = events, sorted = 1; left > 0 && sorted > 0; left -= sorted)
          sorted = outbox.sort(Math.min(left, EVENTS_A_LARGE_TURN))
      })
    },
    health() {
      const troubles = []
      if (writeFault !== undefined) troubles.push(`the outbox cannot be written: ${writeFault}`)
      if (backlogIsFull())
        troubles.push(`the backlog has reached MAX_BACKLOG (${settings.MAX_BACKLOG} events)`)
      return { troubles, line: line(), notices: teller.standing() }
    },
  }
}
