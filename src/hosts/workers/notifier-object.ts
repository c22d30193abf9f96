/**
 * The one notice clock of all shards, in a Durable Object of its own: what fails anywhere is told here, each component at
 * most once in NOTIFY_EVERY_MINUTES. It also remembers how many shards there have been, the tries at the login, and the sessions that were logged out. Nothing
 * that Twilio waits for depends on it. It writes when a state changes; what only counts up is kept once a minute.
 */
import { DurableObject } from 'cloudflare:workers'
import * as z from 'zod'
import { type Component, components } from '../../alerts/component.ts'
import { type About, createNotifier, type Notifier, notifierSettings } from '../../alerts/notifier.ts'
import { noStateLog } from '../../alerts/state-log.ts'
import { type Failure, isForgeable, type Standing } from '../../alerts/throttle.ts'
import { EndedList, isEnded, noneEnded, type SessionId, withEnded } from '../../http/auth/ended-sessions.ts'
import { createLoginRateLimit } from '../../http/auth/login-rate-limit.ts'
import { readKept } from '../../outbox/kept-state.ts'
import { migrate } from '../../outbox/sqlite/migrations.ts'
import { createNoticeStore, type NoticeStore } from '../../outbox/sqlite/notices.ts'
import { createAlarm } from './alarm.ts'
import { digests } from './digests.ts'
import { type Env, settingsOf, shardAs, WEBHOOK } from './env.ts'
import { createLog } from './log.ts'
import {
  afterFailures,
  afterRecovery,
  isFailing,
  ShardStates,
  sumUp,
  toOutline,
  withoutOld,
} from './shards/failing.ts'
import { afterCount, noShards, ShardHistory } from './shards/route.ts'
import { createSql } from './sqlite.ts'
import { within } from './within.ts'

const HOUR_MS = 3_600_000
const SHARDS = 'shards'
const STATES = 'shard-states'
const TRIES = 'login-tries-by-client'
/** Each try writes all of them. */
const CLIENTS = 200
const ENDED = 'ended-sessions'
/** What only counts up is written no more often. */
const KEEP_EVERY_MS = 60_000
/** Shards are asked whether requests verify no more often, and waited for no longer than that. */
const ASK_EVERY_MS = 5_000
const ASK_PATIENCE_MS = 2_000

const SpentByClient = z.array(z.tuple([z.string(), z.object({ tries: z.number(), at: z.number() })]))

/** What the clock asks of a shard. */
type Verifying = { verifiedAt(): Promise<number | undefined> }

export class NoticeClock extends DurableObject<Env> {
  readonly #alarm = createAlarm(this.ctx.storage)
  readonly #book: NoticeStore
  readonly #notifier: Notifier
  readonly #settings
  #states: ShardStates
  #statesKeptAt = 0
  #askedAt = 0

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env)
    const sql = createSql(ctx.storage)
    migrate(sql)
    this.#settings = settingsOf(env)
    this.#book = createNoticeStore(sql)
    this.#states = readKept(this.#book, STATES, ShardStates, {})
    this.#notifier = createNotifier({
      ...notifierSettings(this.#settings),
      store: this.#book,
      read: (name, schema, fallback) => readKept(this.#book, name, schema, fallback),
      about: () => sumUp(this.#states),
      digests,
      send: fetch,
      now: Date.now,
      log: createLog(this.#settings.LOG_LEVEL),
      // Shards and isolates log what they see.
      changes: noStateLog,
      lastTold: { read: () => undefined, write: () => undefined },
      keepEveryMs: KEEP_EVERY_MS,
    })
  }

  async failed(shard: string, failures: readonly Failure[], about: About): Promise<void> {
    this.#keep(afterFailures(this.#states, shard, failures, about))
    if (failures.some(({ reason }) => isForgeable(reason))) await this.#askWhatVerifies()
    this.#notifier.failed(failures)
    await this.#arm()
  }

  async recovered(shard: string, component: Component, about: About): Promise<void> {
    // A shard that woke says so of its first success as well: nothing that is worth a row.
    if (this.#states[shard]?.failing[component] !== undefined)
      this.#keep(afterRecovery(this.#states, shard, component, about))
    if (!isFailing(this.#states, component)) this.#notifier.recovered(component)
    await this.#arm()
  }

  async standing(): Promise<Standing> {
    if (this.#notifier.standing().webhook.open.length > 0) await this.#askWhatVerifies()
    return this.#notifier.standing()
  }

  async notices(limit: number): Promise<unknown[]> {
    return this.#book.notices(limit)
  }

  /** To be told once by each isolate: how many shards there are now, and which other numbers still matter. */
  async shards(count: number): Promise<ShardHistory> {
    const before = readKept(this.#book, SHARDS, ShardHistory, noShards)
    const { DEDUPE_HOURS, RETENTION_DAYS } = this.#settings
    const rememberedMs = Math.max(DEDUPE_HOURS, RETENTION_DAYS * 24) * HOUR_MS
    const after = afterCount(before, count, Date.now(), rememberedMs)
    if (JSON.stringify(after) !== JSON.stringify(before)) this.#book.remember(SHARDS, JSON.stringify(after))
    await this.#arm()
    return after
  }

  /** How long until this client may try the login; 0: now. Kept on disk: the object is evicted sooner than tries are forgotten. */
  async takeTry(client: string): Promise<number> {
    const limit = this.#tries()
    const waitMs = limit.take(client)
    if (waitMs === 0) this.#book.remember(TRIES, JSON.stringify(limit.entries()))
    return waitMs
  }

  async forgetTries(client: string): Promise<void> {
    const limit = this.#tries()
    limit.forget(client)
    this.#book.remember(TRIES, JSON.stringify(limit.entries()))
  }

  #tries() {
    const stored = readKept(this.#book, TRIES, SpentByClient, [])
    return createLoginRateLimit(Date.now, { clients: CLIENTS, stored })
  }

  async sessionEnded(session: SessionId): Promise<boolean> {
    return isEnded(readKept(this.#book, ENDED, EndedList, noneEnded), session)
  }

  async endSession(session: SessionId): Promise<void> {
    const before = readKept(this.#book, ENDED, EndedList, noneEnded)
    const after = withEnded(before, session, Math.floor(Date.now() / 1_000))
    if (after !== before) this.#book.remember(ENDED, JSON.stringify(after))
  }

  override async alarm(): Promise<void> {
    this.#alarm.rang()
    if (this.#notifier.standing().webhook.open.length > 0) await this.#askWhatVerifies()
    const { everyMs } = notifierSettings(this.#settings)
    const before = this.#states
    this.#keep(withoutOld(before, WEBHOOK, Date.now() - everyMs))
    for (const component of components) {
      if (isFailing(before, component) && !isFailing(this.#states, component))
        this.#notifier.recovered(component)
    }
    await this.#arm()
  }

  /** A stored event was signed: whoever fails at that meanwhile is a stranger. No shard tells of it unasked. */
  async #askWhatVerifies(): Promise<void> {
    if (Math.abs(Date.now() - this.#askedAt) < ASK_EVERY_MS) return
    this.#askedAt = Date.now()
    const shards = Array.from({ length: this.#settings.OUTBOX_SHARDS }, (_, index) =>
      shardAs<Verifying>(this.env, index),
    )
    const answers = await Promise.allSettled(
      shards.map(async shard => within(ASK_PATIENCE_MS, shard.verifiedAt())),
    )
    const times = answers.flatMap(answer => (answer.status === 'fulfilled' ? (answer.value ?? []) : []))
    if (times.length > 0) this.#notifier.verified(Math.max(...times))
  }

  #keep(states: ShardStates): void {
    const isChange = toOutline(states) !== toOutline(this.#states)
    this.#states = states
    if (!isChange && Math.abs(Date.now() - this.#statesKeptAt) < KEEP_EVERY_MS) return
    this.#book.remember(STATES, JSON.stringify(states))
    this.#statesKeptAt = Date.now()
  }

  async #arm(): Promise<void> {
    const damage = this.#book.takeDamage().map(found => ({ ...found, at: Date.now() }))
    this.#notifier.failed(damage)
    const due = this.#notifier.tick()
    if (due !== undefined) await this.#alarm.arm(due)
  }
}
