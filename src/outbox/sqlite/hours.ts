/**
 * What came, by the hour and kind: the figures of data quality, which outlive the events. Written in the transaction that
 * sorts the events, one row an hour and kind. Bounded: hours older than are kept go into one row a kind.
 */
import { isObject } from '../../event/event.ts'
import type { State } from '../../reasons.ts'
import {
  HOUR_MS,
  type HourEvents,
  KEPT_HOURS,
  type KindHours,
  type KindTotals,
  type Span,
} from '../../stats/quality.ts'
import {
  addCounts,
  addTo,
  type Counts,
  createSum,
  eventsOf,
  fromObserved,
  noCounts,
  type Outcome,
  type Sum,
} from '../../stats/quality-sample.ts'
import { parseJson } from '../kept-state.ts'
import type { DamageLog } from './damage.ts'
import { OTHER_TYPE } from './kinds.ts'
import type { Sql } from './sql.ts'
import * as statements from './statements.ts'

/** In place of an hour: all that came before those that are kept. What `/metrics` counts must never fall. */
const OLDER = 0
const ROWS_A_TURN = 200
/** The running hour's are all that is needed; an old backlog has others. */
const ROWS_CACHED = 1_000

export type Came = {
  readonly receivedAt: number
  readonly kind: number
  readonly type: string
  readonly version: number
  readonly state: State
  readonly reason: string | null
  readonly isCopy: boolean
  readonly observed: number
}

/** What one transaction adds. Dropped without `keep`, it has left no trace. */
export type HoursTurn = {
  add(came: Came): void
  /** In the transaction. */
  write(): void
  /** After it. */
  keep(): void
}

export type Hours = {
  hoursTurn(): HoursTurn
  /** One slice of what is no longer kept by the hour, in the caller's transaction; true when there is more to do. */
  foldHours(now: number): boolean
  kindHours(span: Span): KindHours[]
  kindTotals(): KindTotals[]
}

type Row = { readonly hour: number; readonly kind: number; readonly counts: string }
type HourCounts = { readonly hour: number; readonly kind: number; readonly counts: Counts }
type Tally = Pick<Came, 'kind' | 'type' | 'version'> & {
  readonly hour: number
  readonly n: Record<Outcome | 'duplicates', number>
  readonly observed: Map<number, number>
}

export function createHours(sql: Sql, damage: Pick<DamageLog, 'found'>): Hours {
  /** As they are in the table. */
  const rows = new Map<string, Counts>()
  let totals: Map<number, Sum> | undefined

  function read(hour: number, kind: number): Counts {
    const [row] = sql.all<Row>(statements.hourOf, hour, kind)
    return row ? parse(row, 'keep') : noCounts
  }

  /** What is damaged counts as nothing. `keep`: its row is about to be replaced. */
  function parse({ hour, kind, counts }: Row, damaged: 'keep' | 'pass'): Counts {
    const parsed = parseJson(counts)
    if (isCounts(parsed)) return parsed
    const name = `hours ${toName(hour, kind)}`
    damage.found('state_damaged', name)
    if (damaged === 'keep') sql.all(statements.remember, `${name}.damaged`, counts)
    return noCounts
  }

  function write({ hour, kind, counts }: HourCounts): void {
    sql.all(statements.putHour, hour, kind, eventsOf(counts), JSON.stringify(counts))
  }

  function hoursTurn(): HoursTurn {
    const tallies = new Map<string, Tally>()
    let added: HourCounts[] = []
    let written: HourCounts[] = []
    return {
      add({ receivedAt, type, version, state, reason, isCopy, observed, ...came }) {
        const hour = Math.floor(receivedAt / HOUR_MS)
        const { kind } = came
        const name = toName(hour, kind)
        let tally = tallies.get(name)
        if (!tally) {
          const n = { passing: 0, violating: 0, unmapped: 0, duplicates: 0 }
          tally = { hour, kind, type, version, n, observed: new Map() }
          tallies.set(name, tally)
        }
        tally.n[isCopy ? 'duplicates' : toOutcome(state, reason)] += 1
        if (!isCopy) tally.observed.set(observed, (tally.observed.get(observed) ?? 0) + 1)
      },

      write() {
        added = [...tallies.values()].map(({ hour, kind, type, version, n, observed }) => ({
          ...{ hour, kind },
          counts: { ...n, ...fromObserved(type, version, observed) },
        }))
        written = added.map(({ hour, kind, counts }) => {
          const before = rows.get(toName(hour, kind)) ?? read(hour, kind)
          return { hour, kind, counts: addCounts(before, counts) }
        })
        written.forEach(write)
      },

      keep() {
        if (rows.size > ROWS_CACHED) rows.clear()
        for (const { hour, kind, counts } of written) rows.set(toName(hour, kind), counts)
        if (totals) for (const { kind, counts } of added) addTo(sumOf(totals, kind), counts)
      },
    }
  }

  return {
    hoursTurn,

    foldHours(now) {
      const before = Math.floor(now / HOUR_MS) - KEPT_HOURS
      const old = sql.all<Row>(statements.hoursBefore, before, ROWS_A_TURN)
      if (old.length === 0) return false
      rows.clear()
      const sums = new Map<number, Sum>()
      for (const row of old) {
        const { hour, kind } = row
        if (!sums.has(kind)) addTo(sumOf(sums, kind), read(OLDER, kind))
        addTo(sumOf(sums, kind), parse(row, 'keep'))
        sql.all(statements.deleteHour, hour, kind)
      }
      for (const [kind, counts] of sums) write({ hour: OLDER, kind, counts })
      return old.length === ROWS_A_TURN
    },

    kindHours({ from, to }) {
      const kinds = new Map<number, { first: number; events: HourEvents[]; counts: Sum }>()
      const found = sql.all<{ hour: number; kind: number; events: number; counts: string | null }>(
        statements.hoursAndCountsOf,
        from,
        to,
      )
      // In order of the hours, so that the first row of a kind is its oldest.
      for (const { hour, kind, events, counts } of found) {
        let sum = kinds.get(kind)
        if (!sum) {
          sum = { first: hour, events: [], counts: createSum() }
          kinds.set(kind, sum)
        }
        if (hour !== OLDER) sum.events.push({ hour, n: events })
        if (counts !== null) addTo(sum.counts, parse({ hour, kind, counts }, 'pass'))
      }
      return [...kinds].map(([kind, sums]) => ({ ...nameOf(kind), ...sums }))
    },

    kindTotals() {
      totals ??= loadTotals()
      return [...totals].map(([kind, sum]) => ({ ...nameOf(kind), counts: addCounts(sum, noCounts) }))
    },
  }

  function loadTotals(): Map<number, Sum> {
    const sums = new Map<number, Sum>()
    for (const row of sql.all<Row>(statements.hoursFrom, OLDER)) {
      addTo(sumOf(sums, row.kind), parse(row, 'pass'))
    }
    return sums
  }

  function nameOf(kind: number): { type: string; version: number } {
    const [name] = sql.all<{ type: string; version: number }>(statements.kindAt, kind)
    return name ?? { type: OTHER_TYPE, version: 0 }
  }
}

/** By hand: a schema takes as long again as the parsing, and there are ten thousand of these in fifteen days. */
function isCounts(value: unknown): value is Counts {
  if (!isObject(value)) return false
  const { passing, violating, unmapped, duplicates, present, identity } = value
  const isWhole = [passing, violating, unmapped, duplicates].every(Number.isSafeInteger)
  return isWhole && isTally(present) && isTally(identity)
}

function isTally(value: unknown): boolean {
  if (!isObject(value)) return false
  for (const name in value) if (!Number.isSafeInteger(value[name])) return false
  return true
}

/** As the webhook judged it. What names no customer is skipped, but has passed its schema. */
function toOutcome(state: State, reason: string | null): Outcome {
  if (state === 'rejected') return 'violating'
  const isWithoutCustomer = reason === 'no_customer' || reason === 'customer_ambiguous'
  return state === 'skipped' && !isWithoutCustomer ? 'unmapped' : 'passing'
}

function sumOf(sums: Map<number, Sum>, kind: number): Sum {
  const known = sums.get(kind)
  if (known) return known
  const sum = createSum()
  sums.set(kind, sum)
  return sum
}

const toName = (hour: number, kind: number): string => `${hour} ${kind}`
