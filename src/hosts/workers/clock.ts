/**
 * The one notice clock of all shards, in a Durable Object of its own: what fails anywhere is told here, at most once in
 * NOTIFY_EVERY_MINUTES. It also remembers how many shards there have been, and the tries at the login.
 */
import { DurableObject } from 'cloudflare:workers'
import { nothingSpent, spend } from '../../http/tries.ts'
import { migrate } from '../../outbox/migrations.ts'
import { createNoticeBook, type NoticeBook } from '../../outbox/notice-book.ts'
import type { Failure, Standing, Station } from '../../send/notify.ts'
import { type About, createTeller, type Teller, tellerSettings } from '../../send/tell.ts'
import { createAlarm } from './alarm.ts'
import { digests } from './digests.ts'
import { type Env, settingsOf } from './env.ts'
import { createLog } from './log.ts'
import {
  afterFailures,
  afterRecovery,
  isFailing,
  type ShardStates,
  sumUp,
  withoutOld,
} from './shard-states.ts'
import { afterCount, noShards, type ShardHistory } from './sharding.ts'
import { createSql } from './sqlite.ts'

const HOUR_MS = 3_600_000
const SHARDS = 'shards'
const STATES = 'shard-states'
const TRIES = 'login-tries'

export class NoticeClock extends DurableObject<Env> {
  readonly #alarm = createAlarm(this.ctx.storage)
  readonly #book: NoticeBook
  readonly #teller: Teller
  readonly #settings
  #states: ShardStates

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env)
    const sql = createSql(ctx.storage)
    migrate(sql)
    this.#settings = settingsOf(env)
    this.#book = createNoticeBook(sql)
    const kept = this.#book.recall(STATES)
    this.#states = kept === undefined ? {} : JSON.parse(kept)
    this.#teller = createTeller({
      ...tellerSettings(this.#settings),
      store: this.#book,
      about: () => sumUp(this.#states),
      digests,
      send: fetch,
      now: Date.now,
      log: createLog(this.#settings.LOG_LEVEL),
      lastTold: { read: () => undefined, write: () => undefined },
    })
  }

  async failed(shard: string, failures: readonly Failure[], about: About): Promise<void> {
    this.#keep(afterFailures(this.#states, shard, failures, about))
    this.#teller.failed(failures)
    await this.#arm()
  }

  async recovered(shard: string, station: Station, about: About): Promise<void> {
    this.#keep(afterRecovery(this.#states, shard, station, about))
    if (!isFailing(this.#states, station)) this.#teller.recovered(station)
    await this.#arm()
  }

  async standing(): Promise<Standing> {
    return this.#teller.standing()
  }

  async notices(limit: number): Promise<unknown[]> {
    return this.#book.notices(limit)
  }

  /** To be told once by each isolate: how many shards there are now, and which other numbers still matter. */
  async shards(count: number): Promise<ShardHistory> {
    const kept = this.#book.recall(SHARDS)
    const before: ShardHistory = kept === undefined ? noShards : JSON.parse(kept)
    const { DEDUPE_HOURS, RETENTION_DAYS } = this.#settings
    const rememberedMs = Math.max(DEDUPE_HOURS, RETENTION_DAYS * 24) * HOUR_MS
    const after = afterCount(before, count, Date.now(), rememberedMs)
    if (JSON.stringify(after) !== kept) this.#book.remember(SHARDS, JSON.stringify(after))
    return after
  }

  /** How long until the login may be tried; 0: now. Kept on disk: it is evicted sooner than tries are forgotten. */
  async takeTry(): Promise<number> {
    const kept = this.#book.recall(TRIES)
    const { spent, waitMs } = spend(kept === undefined ? nothingSpent : JSON.parse(kept), Date.now())
    if (waitMs === 0) this.#book.remember(TRIES, JSON.stringify(spent))
    return waitMs
  }

  async forgetTries(): Promise<void> {
    this.#book.remember(TRIES, JSON.stringify(nothingSpent))
  }

  override async alarm(): Promise<void> {
    this.#alarm.rang()
    const { everyMs } = tellerSettings(this.#settings)
    this.#keep(withoutOld(this.#states, 'door', Date.now() - everyMs))
    if (!isFailing(this.#states, 'door')) this.#teller.recovered('door')
    await this.#arm()
  }

  #keep(states: ShardStates): void {
    this.#states = states
    this.#book.remember(STATES, JSON.stringify(states))
  }

  async #arm(): Promise<void> {
    const due = this.#teller.tick()
    if (due !== undefined) await this.#alarm.arm(due)
  }
}
