/**
 * One shard of the outbox: a Durable Object that stores, indexes and delivers its events, by the very code that Node runs.
 * Its answers leave only when the storage has confirmed the writes before them (the runtime's output gate). Alarms drive it.
 */
import { DurableObject } from 'cloudflare:workers'
import type { Admin } from '../../admin/admin.ts'
import { toErrorText } from '../../alerts/redact.ts'
import { type Bridge, openBridge } from '../../bridge.ts'
import { toPruning } from '../../config.ts'
import type { Identity, Stored } from '../../event/received-request.ts'
import type { RequestRow } from '../../outbox/request-row.ts'
import { NewerStoreError } from '../../outbox/sqlite/migrations.ts'
import { createOutbox, type SqliteOutbox } from '../../outbox/sqlite/outbox.ts'
import type { Reason } from '../../reasons.ts'
import type { Dispatcher } from '../../send/dispatcher.ts'
import { openDestinations } from '../../send/open-destinations.ts'
import { createAlarm } from './alarm.ts'
import { keyedHash } from './digests.ts'
import { clockAs, type Env, settingsOf } from './env.ts'
import { createLog } from './log.ts'
import { type Clock, createNotifierClient } from './notifier-client.ts'
import { createSql } from './sqlite.ts'

/** Requests to one destination that may be under way at once; an invocation may hold six connections. */
const CONCURRENCY = 4
/**
 * The free plan allows an invocation 50 subrequests. Each delivery may be at a request, and at a second try of it, when the last
 * is spent; and notices need some.
 */
const SUBREQUESTS_A_RUN = 50 - CONCURRENCY * 4
/** One run ends by then, so that appends and the next run get their turn. */
const RUN_MS = 20_000
/** After a failure of the run itself. */
const RETRY_MS = 1_000
/** With nothing to deliver, when to look for events whose time is over. */
const UPKEEP_MS = 3_600_000

/** What makes events due, or may: the next run is now. */
const changing: ReadonlySet<keyof Admin> = new Set([
  'retry',
  'drop',
  'resend',
  'changeMany',
  'resendMany',
  'deliverNow',
  'setPaused',
  'confirmChange',
  'import',
])

export class OutboxShard extends DurableObject<Env> {
  readonly #alarm = createAlarm(this.ctx.storage)
  readonly #settings = settingsOf(this.env)
  readonly #log = createLog(this.#settings.LOG_LEVEL)
  #verifiedAt: number | undefined
  /** Requests to Segment and calls to the notice clock in this run. */
  #subrequests = 0
  readonly #send: typeof fetch = (...args) => {
    this.#subrequests += 1
    return fetch(...args)
  }
  // The last of them, for opening it uses the others.
  readonly #bridge = this.#open().catch((error: unknown) => {
    // Another try would find the same: the object stays, and says what to do.
    if (error instanceof NewerStoreError) throw error
    // The next call gets a new instance, and with it another try.
    this.ctx.abort(`the outbox could not be opened: ${toErrorText(error)}`)
    throw error
  })

  async #open(): Promise<Bridge & { readonly outbox: SqliteOutbox }> {
    const settings = this.#settings
    const outbox = createOutbox(createSql(this.ctx.storage), toPruning(settings))
    const destinations = await openDestinations(settings, outbox, {
      keyedHash,
      hashKey: settings.HASH_KEY,
      send: this.#send,
      now: Date.now,
      // The mapped calls are shown by the API.
      showDryRun: () => undefined,
    })
    const waitUntil = (promise: Promise<void>) =>
      this.ctx.waitUntil(promise.catch(error => this.#warn(error)))
    const bridge = openBridge(outbox, destinations, settings, {
      log: this.#log,
      now: Date.now,
      random: Math.random,
      resume: true,
      maySend: () => this.#mayGoOn(),
      openNotifier: about =>
        createNotifierClient(this.#countedClock(), this.ctx.id.toString(), about, waitUntil, this.#log),
    })
    return { ...bridge, outbox }
  }

  #mayGoOn(): boolean {
    return this.#subrequests < SUBREQUESTS_A_RUN
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

  async put(row: RequestRow): Promise<Stored> {
    const newer = await this.#newer()
    if (newer !== undefined) return { stored: false, reason: 'outbox_newer', detail: newer }
    const { dispatcher } = await this.#bridge
    const [stored] = dispatcher.append([row])
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
    return (await this.#bridge).outbox.knows(identities)
  }

  /** Why this version cannot open what is stored here; `undefined`: it can. */
  #newer(): Promise<string | undefined> {
    return this.#bridge.then(
      () => undefined,
      (error: unknown) => {
        if (error instanceof NewerStoreError) return error.message
        throw error
      },
    )
  }

  async troubles(): Promise<readonly Reason[]> {
    if ((await this.#newer()) !== undefined) return ['outbox_newer']
    return (await this.#bridge).admin.troubles()
  }

  /** Any method of the admin, by its name; `adminOf` in shards/stubs.ts gives it the types back. */
  async ask(name: keyof Admin, args: readonly unknown[]): Promise<unknown> {
    const { admin } = await this.#bridge
    const method: (...args: readonly never[]) => unknown = admin[name]
    const answer = await Reflect.apply(method, undefined, args)
    if (changing.has(name)) await this.#alarm.arm(Date.now())
    return answer
  }

  /** By cron: a shard whose alarm was lost, for whatever reason, delivers again. */
  async watch(): Promise<void> {
    const { outbox } = await this.#bridge
    this.#alarm.doubt()
    const isDue = outbox.claimable(1) > 0 || outbox.keptUpTo() > outbox.indexedUpTo()
    // A run finds out when what is held back is due.
    if (isDue || outbox.nextHeldAt() !== undefined) await this.#alarm.arm(Date.now())
  }

  override async alarm(): Promise<void> {
    this.#alarm.rang()
    this.#subrequests = 0
    let next = Date.now() + RETRY_MS
    try {
      const { dispatcher, outbox } = await this.#bridge
      next = await this.deliver(dispatcher)
      dispatcher.tick()
      // What the tick left to prune cannot wait for the next upkeep.
      if (outbox.prune(Date.now())) next = Math.min(next, Date.now() + RETRY_MS)
    } catch (error) {
      // Never thrown on: the runtime would give the alarm up after six tries.
      this.#log.error({ err: error }, 'a delivery run failed')
    } finally {
      await this.#alarm.arm(next)
    }
  }

  /** When to come back, ms since 1970. */
  protected async deliver(dispatcher: Dispatcher): Promise<number> {
    const end = Date.now() + RUN_MS
    const { names } = dispatcher.lanes
    const each = Math.max(1, Math.floor(CONCURRENCY / names.length))
    const lanes = names.flatMap(name => Array.from({ length: each }, () => name))
    const begun = new Map<number, number>()
    // A destination that hangs keeps the run open: the others go on meanwhile.
    const isOver = () => Date.now() >= end && ![...begun.values()].some(at => at < end)
    const deliverAll = async (name: string, lane: number): Promise<number> => {
      while (this.#mayGoOn() && !isOver()) {
        begun.set(lane, Date.now())
        const due = (await dispatcher.deliverNextBatch(name)) ?? Number.POSITIVE_INFINITY
        begun.delete(lane)
        if (due > Date.now()) return due
      }
      return Date.now()
    }
    const dues = await Promise.all(lanes.map(deliverAll))
    return Math.min(Date.now() + UPKEEP_MS, ...dues)
  }
}
