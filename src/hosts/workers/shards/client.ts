/** The outbox's side on Workers: one or more Durable Objects, each asked by RPC, and their answers merged. */
import { waitUntil } from 'cloudflare:workers'
import type { Admin } from '../../../admin/admin.ts'
import { toLastNotice } from '../../../admin/status.ts'
import type { Transfer } from '../../../admin/transfer.ts'
import { toErrorText } from '../../../alerts/redact.ts'
import { allCalm, type Standing, toStanding } from '../../../alerts/throttle.ts'
import type { AdminClient, OutboxClient } from '../../../bridge.ts'
import type { EventVerdict, ReceivedRequest, Stored } from '../../../event/received-request.ts'
import { encodeRow } from '../../../outbox/encode-row.ts'
import type { Reason } from '../../../reasons.ts'
import type { Awaitable, Log } from '../../../runtime.ts'
import { type Env, WEBHOOK } from '../env.ts'
import { createSparingWarn } from '../log.ts'
import { createWebhookReports } from '../reports.ts'
import { within } from '../within.ts'
import { fromCursor, fromStep, toShardKey, toShardQueries, toStep, withShard } from './cursors.ts'
import { createShardHistory } from './history.ts'
import {
  addCounts,
  mergeChanges,
  mergeDelivering,
  mergeGroups,
  mergeLists,
  mergePulses,
  mergeQuality,
  mergeStatus,
  sumUpStats,
} from './merge.ts'
import { homeOf, splitByHome, toHome } from './route.ts'
import {
  nothingMore,
  silentChanges,
  silentDelivering,
  silentGroups,
  silentList,
  silentMetrics,
  silentPulse,
  silentQuality,
  silentStats,
  silentStatus,
  toReason,
} from './silent.ts'
import { type AskShard, adminOf, clockOf, shardOf } from './stubs.ts'

type Answer<Name extends keyof Admin> = Awaited<ReturnType<Admin[Name]>>
/** The same of every shard. `silent`: what stands in for the answer of one that gives none. */
type AskAll = <Name extends keyof Admin>(
  name: Name,
  args: Parameters<Admin[Name]>,
  silent?: (error: unknown) => Awaitable<Answer<Name>>,
) => Promise<Answer<Name>[]>

/** `/readyz` is open to anybody: its answer is remembered for so long. */
const READY_MS = 5_000
/** How long figures wait for the notice clock. */
const PATIENCE_MS = 2_000

export function createShardClient(env: Env, count: number, everyMs: number, log: Log): OutboxClient {
  const history = createShardHistory(() => clockOf(env).shards(count), count, log)
  const warn = createSparingWarn(log)
  const tell = (telling: Promise<void>) =>
    waitUntil(
      telling.catch((error: unknown) =>
        warn({ err: error }, 'the notice clock did not answer; failures are reported again within a minute'),
      ),
    )
  const { report, stored: noteStored } = createWebhookReports({
    failed: failure => tell(clockOf(env).failed(WEBHOOK, [failure], { waiting: 0 })),
    recovered: component => tell(clockOf(env).recovered(WEBHOOK, component, { waiting: 0 })),
    everyMs,
    log,
  })
  let ready: { readonly troubles: Reason[]; readonly until: number } | undefined
  const everyShard = async (): Promise<AskShard[]> => {
    const { highest } = await history()
    return Array.from({ length: Math.max(highest, count) }, (_, index) => adminOf(env, index))
  }

  const askAll: AskAll = async (name, args, silent) =>
    Promise.all(
      (await everyShard()).map(ask => (silent ? ask(name, ...args).catch(silent) : ask(name, ...args))),
    )

  /** The figures do not depend on the clock either. */
  async function standing(): Promise<Standing> {
    try {
      return await within(PATIENCE_MS, clockOf(env).standing())
    } catch (error) {
      warn({ err: error }, 'the notice clock did not answer; the figures are without its word')
      return toStanding(allCalm, 0)
    }
  }

  async function put(intake: ReceivedRequest): Promise<Stored> {
    try {
      const parts = splitByHome(intake, await homesOf(intake.entries))
      // Those without an identity go in with the last part: were it stored and another not, Twilio's next try would store
      // them twice.
      const [last, ...others] = [...parts].toSorted(([a], [b]) => a - b)
      const results = await Promise.all(
        others.map(([index, part]) => shardOf(env, index).put(encodeRow(part))),
      )
      const failed = results.find(({ stored }) => !stored)
      const stored = failed ?? (last ? await shardOf(env, last[0]).put(encodeRow(last[1])) : { stored: true })
      if (stored.stored) noteStored()
      // A shard whose store it cannot open has nothing to tell the clock with.
      else if (stored.reason === 'outbox_newer')
        report({ reason: stored.reason, at: Date.now(), count: 1, answer: stored.detail })
      return stored
    } catch (error) {
      // The object restarts or is overloaded: Twilio tries again, and what was stored is known by its id.
      const detail = toErrorText(error)
      report({ reason: 'outbox_unwritable', at: Date.now(), count: 1, answer: detail })
      return { stored: false, reason: 'outbox_unwritable', detail }
    }
  }

  async function homesOf(entries: readonly EventVerdict[]): Promise<number[]> {
    const { former } = await history()
    const homes = entries.map(entry => homeOf(entry, count))
    for (const { count: old, until } of former) {
      if (until < Date.now()) continue
      const moved = entries.flatMap(({ identity }, at) => {
        const home = toHome(identity, old)
        return identity && home !== homes[at] ? [{ at, home, identity }] : []
      })
      const byHome = Map.groupBy(moved, ({ home }) => home)
      for (const [home, there] of byHome) {
        // Without an answer the present home takes it: a second copy costs less than a 503.
        const known = await shardOf(env, home)
          .knows(there.map(({ identity }) => identity))
          .catch((error: unknown) => {
            warn({ err: error }, 'a former home of events did not answer; they go to the present one')
            return []
          })
        there.forEach(({ at }, index) => {
          if (known[index]) homes[at] = home
        })
      }
    }
    return homes
  }

  async function change(
    action: 'retry' | 'drop' | 'resend',
    [key, destination]: Parameters<Admin['retry']>,
  ): Promise<ReturnType<Admin['retry']>> {
    const place = toShardKey(key)
    return place
      ? adminOf(env, place.shard)(action, place.key, destination)
      : { done: false, reason: 'not_found' }
  }

  async function newestNotices(limit: number): Promise<unknown[]> {
    return clockOf(env).notices(limit)
  }

  const transfer: Pick<AdminClient, keyof Transfer> = {
    async exportPage(query) {
      const [at, after] = fromStep(query.after)
      const shards = await everyShard()
      const page = await shards[at]?.('exportPage', { ...query, after })
      if (!page) return { lines: '', events: 0, next: undefined, unreadable: 0 }
      if ('stored' in page) return page
      return { ...page, next: toStep(at, page.next, shards.length) }
    },

    async import(intakes, only) {
      const sum = { stored: 0, pending: 0, skipped: 0, duplicates: 0, again: 0 }
      const parts: { home: number; part: ReceivedRequest }[] = []
      // Asked for all at once: each question to a former home is a request.
      const homes = await homesOf(intakes.flatMap(({ entries }) => entries))
      for (const intake of intakes) {
        const theirs = homes.splice(0, intake.entries.length)
        for (const [home, part] of splitByHome(intake, theirs)) parts.push({ home, part })
      }
      for (const [home, there] of Map.groupBy(parts, part => part.home)) {
        const imported = await adminOf(env, home)(
          'import',
          there.map(({ part }) => part),
          only,
        )
        if (imported.stored === false) return imported
        sum.stored += imported.stored
        sum.pending += imported.pending
        sum.skipped += imported.skipped
        sum.duplicates += imported.duplicates
        sum.again += imported.again
      }
      return sum
    },
  }

  return {
    put,
    ...transfer,
    report,
    retry: (...asked) => change('retry', asked),
    drop: (...asked) => change('drop', asked),
    resend: (...asked) => change('resend', asked),
    async destinationNames(which) {
      return [...new Set((await askAll('destinationNames', [which], () => [])).flat())]
    },
    confirmArrival: fingerprint => adminOf(env, 0)('confirmArrival', fingerprint),
    notices: newestNotices,
    async setPaused(destination, isPaused) {
      await askAll('setPaused', [destination, isPaused])
    },
    async confirmChange(hash) {
      return [...new Set((await askAll('confirmChange', [hash])).flat())]
    },
    deliverNow: async to => mergeDelivering(await askAll('deliverNow', [to], silentDelivering)),

    async stats() {
      const [notices, all] = await Promise.all([standing(), askAll('stats', [], silentStats)])
      return { ...sumUpStats(all, notices), counts: addCounts(all) }
    },

    async status() {
      const [notices, latest, all] = await Promise.all([
        standing(),
        newestNotices(1).catch(() => []),
        askAll('status', [], silentStatus),
      ])
      return mergeStatus(all, notices, toLastNotice(latest[0]))
    },

    async resendMany(query) {
      const [at, after] = fromStep(query.after)
      const shards = await everyShard()
      const page = await shards[at]?.('resendMany', { ...query, after })
      if (!page) return { matched: 0, pruned: 0, done: 0, next: undefined }
      return { ...page, next: toStep(at, page.next, shards.length) }
    },

    async troubles() {
      if (ready && Date.now() < ready.until) return ready.troubles
      const { highest } = await history()
      const indexes = Array.from({ length: Math.max(highest, count) }, (_, index) => index)
      // Not by way of the admin, which a shard that a newer version has written does not have.
      const ask = (index: number) =>
        shardOf(env, index)
          .troubles()
          .catch(error => [toReason(error)])
      const all = await Promise.all(indexes.map(ask))
      ready = { troubles: [...new Set(all.flat())], until: Date.now() + READY_MS }
      return ready.troubles
    },

    async pulse(query) {
      const shards = await everyShard()
      const queries = toShardQueries(query, shards.length)
      const [notices, ...all] = await Promise.all([
        standing(),
        ...shards.map((ask, index) => {
          const asked = queries[index] ?? query
          return ask('pulse', asked).catch(error => silentPulse(error, asked))
        }),
      ])
      return mergePulses(all, query.limit, notices)
    },

    async deadLetters(destination) {
      return mergeGroups(await askAll('deadLetters', [destination], () => silentGroups))
    },

    async metrics() {
      return (await askAll('metrics', [], silentMetrics)).flat()
    },

    async quality(span) {
      return mergeQuality(await askAll('quality', [span], () => silentQuality))
    },

    async events(query) {
      const shards = await everyShard()
      const from =
        query.before === undefined ? shards.map(() => undefined) : fromCursor(query.before, shards.length)
      const pages = await Promise.all(
        shards.map(async (ask, index) => {
          const before = from[index]
          if (before === null) return nothingMore
          return ask('events', { ...query, before }).catch(() => silentList)
        }),
      )
      return mergeLists(pages, from, query.limit)
    },

    async event(key) {
      const place = toShardKey(key)
      const event = place && (await adminOf(env, place.shard)('event', place.key))
      return event && withShard(place.shard, event)
    },

    async changeMany(action, filter) {
      return mergeChanges(await askAll('changeMany', [action, filter], silentChanges))
    },
  }
}
