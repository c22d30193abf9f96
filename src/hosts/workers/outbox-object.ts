/**
 * One shard of the outbox: a Durable Object that keeps, sorts and delivers its events, by the very code that Node runs.
 * Its answers leave only when the storage has confirmed the writes before them (the runtime's output gate). Alarms drive it.
 */
import { DurableObject } from 'cloudflare:workers'
import { type Admin, createAdmin } from '../../admin/admin.ts'
import type { Pulse, PulseQuery } from '../../admin/changes.ts'
import type { Stats } from '../../admin/figures.ts'
import type { Resent } from '../../admin/resend.ts'
import type { StatusFigures } from '../../admin/status.ts'
import { createTransfer, type Transfer } from '../../admin/transfer.ts'
import { toErrorText } from '../../alerts/redact.ts'
import { type Settings, toPruning, toTarget } from '../../config.ts'
import { toMapping } from '../../event/mapping.ts'
import type { Identity, ReceivedRequest, Stored } from '../../event/received-request.ts'
import type { EventQuery } from '../../outbox/sqlite/list.ts'
import { NewerStoreError } from '../../outbox/sqlite/migrations.ts'
import { createOutbox, type OutboxStore } from '../../outbox/sqlite/outbox.ts'
import type { RequestRow } from '../../outbox/sqlite/request-row.ts'
import type { ResendQuery } from '../../outbox/sqlite/resend.ts'
import type { ScanQuery } from '../../outbox/sqlite/scan.ts'
import type { Reason } from '../../reasons.ts'
import { createDispatcher, type Dispatcher } from '../../send/dispatcher.ts'
import { createDeliver, type Deliver, measureOverhead } from '../../send/segment/client.ts'
import type { MetricsJson } from '../../stats/metrics.ts'
import type { KindHours, Span } from '../../stats/quality.ts'
import { createAlarm } from './alarm.ts'
import { clockAs, type Env, settingsOf } from './env.ts'
import { createLog } from './log.ts'
import { type Clock, createNotifierClient } from './notifier-client.ts'
import { createSql } from './sqlite.ts'

/** Requests to Segment that may be under way at once; an invocation may hold six connections. */
const LANES = 4
/** The free plan allows an invocation 50 subrequests. Each lane may be at a request, and at a second try of it, when the last is spent; and notices need some. */
const SUBREQUESTS_A_RING = 50 - LANES * 4
/** One ring ends by then, so that intakes and the next ring get their turn. */
const RING_MS = 20_000
/** After a failure of the ring itself. */
const MEND_MS = 1_000
/** With nothing to deliver, when to look for events whose time is over. */
const UPKEEP_MS = 3_600_000

type Room = {
  readonly outbox: OutboxStore
  readonly dispatcher: Dispatcher
  readonly admin: Admin
  readonly transfer: Transfer
}

export class OutboxShard extends DurableObject<Env> {
  readonly #alarm = createAlarm(this.ctx.storage)
  readonly #settings = shareOf(settingsOf(this.env))
  readonly #log = createLog(this.#settings.LOG_LEVEL)
  #verifiedAt: number | undefined
  /** Requests to Segment and calls to the notice clock since the alarm rang. */
  #subrequests = 0
  readonly #send: typeof fetch = (...args) => {
    this.#subrequests += 1
    return fetch(...args)
  }
  // The last of them, for opening it uses the others.
  readonly #room = this.#open().catch((error: unknown) => {
    // Another try would find the same: the object stays, and says what to do.
    if (error instanceof NewerStoreError) throw error
    // The next call gets a new instance, and with it another try.
    this.ctx.abort(`the outbox could not be opened: ${toErrorText(error)}`)
    throw error
  })

  async #open(): Promise<Room> {
    const settings = this.#settings
    const outbox = createOutbox(createSql(this.ctx.storage), toPruning(settings))
    const target = toTarget(settings)
    let dispatcher: Dispatcher
    const admin = createAdmin(outbox, () => dispatcher, Date.now, toMapping(settings))
    const waitUntil = (promise: Promise<void>) =>
      this.ctx.waitUntil(promise.catch(error => this.#warn(error)))
    dispatcher = createDispatcher({
      settings,
      outbox,
      deliver: settings.SEGMENT_WRITE_KEY
        ? createDeliver(target, { send: this.#send, now: Date.now })
        : dryRun,
      overhead: await measureOverhead(target),
      log: this.#log,
      now: Date.now,
      random: Math.random,
      observe: admin.observe,
      resume: true,
      maySend: () => this.#mayGoOn(),
      tell: about =>
        createNotifierClient(this.#countedClock(), this.ctx.id.toString(), about, waitUntil, this.#log),
    })
    return { outbox, dispatcher, admin, transfer: createTransfer(outbox, () => dispatcher) }
  }

  #mayGoOn(): boolean {
    return this.#subrequests < SUBREQUESTS_A_RING
  }

  #countedClock(): Clock {
    const clock = clockAs<Clock>(this.env)
    return {
      failed: (...args) => {
        this.#subrequests += 1
        return clock.failed(...args)
      },
      recovered: (...args) => {
        this.#subrequests += 1
        return clock.recovered(...args)
      },
    }
  }

  #warn(error: unknown): void {
    this.#log.warn({ err: error }, 'the notice clock did not answer; the next failure tells again')
  }

  async put(parcel: RequestRow): Promise<Stored> {
    const newer = await this.#newer()
    if (newer !== undefined) return { stored: false, reason: 'outbox_newer', detail: newer }
    const { dispatcher } = await this.#room
    const [stored] = dispatcher.append([parcel])
    if (stored?.stored) this.#verifiedAt = Date.now()
    await this.#alarm.arm(Date.now())
    return stored ?? { stored: false, reason: 'outbox_unwritable', detail: 'no answer' }
  }

  /** When it last stored what Twilio signed, under the settings of now. */
  async verifiedAt(): Promise<number | undefined> {
    return this.#verifiedAt
  }

  /** Which of these it has stored within `DEDUPE_HOURS`; asked while the number of shards changes. */
  async knows(identities: readonly Identity[]): Promise<boolean[]> {
    return (await this.#room).outbox.knows(identities)
  }

  async stats(): Promise<Stats> {
    return (await this.#room).admin.stats()
  }

  /** Why this version cannot open what is stored here; `undefined`: it can. */
  #newer(): Promise<string | undefined> {
    return this.#room.then(
      () => undefined,
      (error: unknown) => {
        if (error instanceof NewerStoreError) return error.message
        throw error
      },
    )
  }

  async troubles(): Promise<readonly Reason[]> {
    if ((await this.#newer()) !== undefined) return ['outbox_newer']
    return (await this.#room).admin.troubles()
  }

  async pulse(query: PulseQuery): Promise<Pulse> {
    return (await this.#room).admin.pulse(query)
  }

  async deadLetters(): Promise<ReturnType<Admin['deadLetters']>> {
    return (await this.#room).admin.deadLetters()
  }

  async metrics(): Promise<MetricsJson> {
    return (await this.#room).admin.metrics()
  }

  async events(query: EventQuery): Promise<ReturnType<Admin['events']>> {
    return (await this.#room).admin.events(query)
  }

  async event(key: string): Promise<ReturnType<Admin['event']>> {
    return (await this.#room).admin.event(key)
  }

  async status(): Promise<StatusFigures> {
    return (await this.#room).admin.status()
  }

  async confirmArrival(fingerprint: string): Promise<void> {
    ;(await this.#room).admin.confirmArrival(fingerprint)
  }

  async resendMany(query: ResendQuery): Promise<Resent> {
    const resent = await (await this.#room).admin.resendMany(query)
    await this.#alarm.arm(Date.now())
    return resent
  }

  async change(action: 'retry' | 'drop' | 'resend', key: string): Promise<ReturnType<Admin['retry']>> {
    const changed = (await this.#room).admin[action](key)
    await this.#alarm.arm(Date.now())
    return changed
  }

  async changeMany(...args: Parameters<Admin['changeMany']>): ReturnType<Admin['changeMany']> {
    const changed = await (await this.#room).admin.changeMany(...args)
    await this.#alarm.arm(Date.now())
    return changed
  }

  async deliverNow(): Promise<ReturnType<Admin['deliverNow']>> {
    const waiting = (await this.#room).admin.deliverNow()
    await this.#alarm.arm(Date.now())
    return waiting
  }

  async quality(span: Span): Promise<KindHours[]> {
    return (await this.#room).admin.quality(span)
  }

  async exportPage(query: ScanQuery): Promise<ReturnType<Transfer['exportPage']>> {
    return (await this.#room).transfer.exportPage(query)
  }

  async import(intakes: readonly ReceivedRequest[]): Promise<ReturnType<Transfer['import']>> {
    const imported = (await this.#room).transfer.import(intakes)
    await this.#alarm.arm(Date.now())
    return imported
  }

  /** By cron: a shard whose alarm was lost, for whatever reason, delivers again. */
  async watch(): Promise<void> {
    const { outbox } = await this.#room
    this.#alarm.doubt()
    const isDue = outbox.claimable(1) > 0 || outbox.keptUpTo() > outbox.sortedUpTo()
    // A ring finds out when what is held back is due.
    if (isDue || outbox.nextHeldAt() !== undefined) await this.#alarm.arm(Date.now())
  }

  override async alarm(): Promise<void> {
    this.#alarm.rang()
    this.#subrequests = 0
    let next = Date.now() + MEND_MS
    try {
      const { dispatcher, outbox } = await this.#room
      next = await this.deliver(dispatcher)
      dispatcher.tick()
      // What the tick left to prune cannot wait for the next upkeep.
      if (outbox.prune(Date.now())) next = Math.min(next, Date.now() + MEND_MS)
    } catch (error) {
      // Never thrown on: the runtime would give the alarm up after six tries.
      this.#log.error({ err: error }, 'a delivery run failed')
    } finally {
      await this.#alarm.arm(next)
    }
  }

  /** When to come back, ms since 1970. */
  protected async deliver(dispatcher: Dispatcher): Promise<number> {
    const end = Date.now() + RING_MS
    const lane = async (): Promise<number> => {
      while (this.#mayGoOn() && Date.now() < end) {
        const due = (await dispatcher.deliverNextBatch()) ?? Number.POSITIVE_INFINITY
        if (due > Date.now()) return due
      }
      return Date.now()
    }
    const dues = await Promise.all(Array.from({ length: LANES }, lane))
    return Math.min(Date.now() + UPKEEP_MS, ...dues)
  }
}

/** Segment's ceiling is for the workspace, so the shards share the rate. */
function shareOf(settings: Settings): Settings {
  const { SEGMENT_RATE, OUTBOX_SHARDS } = settings
  if (SEGMENT_RATE === 0) return settings
  return { ...settings, SEGMENT_RATE: Math.max(1, Math.floor(SEGMENT_RATE / OUTBOX_SHARDS)) }
}

/** Without a write key nothing leaves; the mapped calls are shown by the API. */
const dryRun: Deliver = async () => ({ kind: 'accepted', status: 0, answer: 'dry run' })
