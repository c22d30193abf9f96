/** The outbox's side on Workers: one or more Durable Objects, each asked by RPC, and their answers put together. */
import { waitUntil } from 'cloudflare:workers'
import type { Desk } from '../../desk.ts'
import { toParcel } from '../../outbox/put.ts'
import { toSlices } from '../../outbox/slices.ts'
import type { Backroom, Entry, Intake, Stored } from '../../ports.ts'
import type { Failure } from '../../send/notify.ts'
import { clockOf, type Env, shardOf } from './env.ts'
import { fromCursor, toShardKey, toShardQueries, withShard } from './keys.ts'
import { addCounts, mergeGroups, mergeLists, mergePulses, nameShards, sumUpStats } from './merge.ts'
import { type ShardHistory, toHome } from './sharding.ts'

/** Of a shard that is through. */
const nothingMore = { events: [], next: undefined, reachedAt: undefined, cursor: '' } as const

/** The name under which the clock knows the door's own failures. */
const DOOR = 'door'

export function createBackroom(env: Env, count: number): Backroom {
  // Asked once an isolate: a new number of shards is a new deployment, and that has new isolates. The value is kept and not
  // the promise, which belongs to the request that made it.
  let told: ShardHistory | undefined
  /** This isolate has told the clock of a failure at the door, and of no success since. */
  let isDoorOpen = false
  const history = async () => {
    told ??= await clockOf(env).shards(count)
    return told
  }
  const everyShard = async () => {
    const { highest } = await history()
    return Array.from({ length: Math.max(highest, count) }, (_, index) => shardOf(env, index))
  }

  function report(failure: Failure): void {
    isDoorOpen = true
    waitUntil(
      clockOf(env)
        .failed(DOOR, [failure], { waiting: 0 })
        .catch(() => undefined),
    )
  }

  async function put(intake: Intake): Promise<Stored> {
    try {
      const parts = split(intake, await homesOf(intake.entries))
      // Those without an identity go in with the last part: were it stored and another not, Twilio's next try would store
      // them twice.
      const [last, ...others] = [...parts].toSorted(([a], [b]) => a - b)
      const results = await Promise.all(
        others.map(([index, part]) => shardOf(env, index).put(toParcel(part))),
      )
      const failed = results.find(({ stored }) => !stored)
      const stored = failed ?? (last ? await shardOf(env, last[0]).put(toParcel(last[1])) : { stored: true })
      if (stored.stored && isDoorOpen) {
        isDoorOpen = false
        waitUntil(
          clockOf(env)
            .recovered(DOOR, 'door', { waiting: 0 })
            .catch(() => undefined),
        )
      }
      return stored
    } catch (error) {
      // The object restarts or is overloaded: Twilio tries again, and what was stored is known by its id.
      const detail = String(error)
      report({ reason: 'outbox_unwritable', at: Date.now(), count: 1, answer: detail })
      return { stored: false, reason: 'outbox_unwritable', detail }
    }
  }

  async function homesOf(entries: readonly Entry[]): Promise<number[]> {
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
        const known = await shardOf(env, home).knows(there.map(({ identity }) => identity))
        there.forEach(({ at }, index) => {
          if (known[index]) homes[at] = home
        })
      }
    }
    return homes
  }

  async function change(action: 'retry' | 'drop', key: string): Promise<ReturnType<Desk['retry']>> {
    const place = toShardKey(key)
    return place ? shardOf(env, place.shard).change(action, place.key) : { done: false, reason: 'not_found' }
  }

  const carrier: Backroom['carrier'] = {
    async exportPage(query) {
      const [at = '0', after] = query.after?.split('.') ?? []
      const shards = await everyShard()
      const page = await shards[Number(at)]?.exportPage({ ...query, after: after || undefined })
      if (!page) return { lines: '', events: 0, next: undefined }
      if ('stored' in page) return page
      if (page.next !== undefined) return { ...page, next: `${at}.${page.next}` }
      const next = Number(at) + 1
      return { ...page, next: next < shards.length ? `${next}.` : undefined }
    },

    async import(intakes) {
      const sum = { stored: 0, duplicates: 0, again: 0 }
      const parts: { home: number; part: Intake }[] = []
      // Asked for all at once: each question to a former home is a request.
      const homes = await homesOf(intakes.flatMap(({ entries }) => entries))
      for (const intake of intakes) {
        const theirs = homes.splice(0, intake.entries.length)
        for (const [home, part] of split(intake, theirs)) parts.push({ home, part })
      }
      for (const [home, there] of Map.groupBy(parts, part => part.home)) {
        const imported = await shardOf(env, home).import(there.map(({ part }) => part))
        if (imported.stored === false) return imported
        sum.stored += imported.stored
        sum.duplicates += imported.duplicates
        sum.again += imported.again
      }
      return sum
    },
  }

  return {
    put,
    carrier,
    report,
    retry: key => change('retry', key),
    drop: key => change('drop', key),
    async deliverNow() {
      const shards = await everyShard()
      const all = await Promise.all(shards.map(shard => shard.deliverNow()))
      return {
        pending: all.reduce((sum, { pending }) => sum + pending, 0),
        held: all.reduce((sum, { held }) => sum + held, 0),
      }
    },
    notices: limit => clockOf(env).notices(limit),

    async stats() {
      const shards = await everyShard()
      const [notices, ...all] = await Promise.all([
        clockOf(env).standing(),
        ...shards.map(shard => shard.stats()),
      ])
      return { ...sumUpStats(all, notices), counts: addCounts(all) }
    },

    async troubles() {
      const shards = await everyShard()
      return nameShards(await Promise.all(shards.map(shard => shard.troubles())))
    },

    async pulse(query) {
      const shards = await everyShard()
      const queries = toShardQueries(query, shards.length)
      const [notices, ...all] = await Promise.all([
        clockOf(env).standing(),
        ...shards.map(async (shard, index) => shard.pulse(queries[index] ?? query)),
      ])
      return mergePulses(all, query.limit, notices)
    },

    async deadLetters() {
      return mergeGroups(
        await Promise.all((await everyShard()).map(async shard => (await shard.deadLetters()).groups)),
      )
    },

    async metrics() {
      const shards = await everyShard()
      return (await Promise.all(shards.map(shard => shard.metrics()))).flat()
    },

    async quality(span) {
      const shards = await everyShard()
      return (await Promise.all(shards.map(shard => shard.quality(span)))).flat()
    },

    async events(query) {
      const shards = await everyShard()
      const from =
        query.before === undefined ? shards.map(() => undefined) : fromCursor(query.before, shards.length)
      const pages = await Promise.all(
        shards.map(async (shard, index) => {
          const before = from[index]
          if (before === null) return nothingMore
          return shard.events({ ...query, before })
        }),
      )
      return mergeLists(pages, from, query.limit)
    },

    async event(key) {
      const place = toShardKey(key)
      const event = place && (await shardOf(env, place.shard).event(place.key))
      return event && withShard(place.shard, event)
    },

    async changeMany(action, filter) {
      const done = await Promise.all((await everyShard()).map(shard => shard.changeMany(action, filter)))
      return {
        matched: done.reduce((sum, { matched }) => sum + matched, 0),
        ready: done.reduce((sum, one) => sum + one.ready, 0),
        done: done.reduce((sum, one) => sum + one.done, 0),
      }
    },
  }
}

/** Of an event whose bytes are pruned, an export knows the proof, which is what homes are reckoned from. */
function homeOf({ identity, carried }: Entry, count: number): number {
  return identity || !carried?.seen ? toHome(identity, count) : carried.seen[1] % count
}

/** One part a home. An intake that stays whole keeps its bytes as Twilio sent them. */
function split(intake: Intake, homes: readonly number[]): Map<number, Intake> {
  const [first = 0] = homes
  if (homes.every(home => home === first)) return new Map([[first, intake]])
  const texts = toSlices(intake.body)
  const parts = new Map<number, Intake>()
  for (const home of new Set(homes)) {
    const mine = (_: unknown, at: number) => homes[at] === home
    parts.set(home, {
      ...intake,
      entries: intake.entries.filter(mine),
      body: `[${texts.filter(mine).join(',')}]`,
    })
  }
  return parts
}
