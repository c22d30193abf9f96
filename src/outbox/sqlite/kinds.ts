/**
 * Which kinds (type and schema version) have figures of their own: all that the families list, and the first others that this
 * outbox met. Types and versions are text that came from outside: noise in them must not make rows, labels and memory without end.
 * All other events are counted as a kind that stands for many: their type without a version, or `other`.
 */
import { familyOf } from '../../families/index.ts'
import type { Sql } from './sql.ts'
import * as statements from './statements.ts'

/** Of those that no family lists. */
const KINDS = 200
/** The type of a kind that stands for many, and its id, which no other kind can have. */
export const OTHER_TYPE = 'other'
const OTHER_ID = 0

type Kind = { readonly id: number; readonly type: string; readonly version: number }

export type Kinds = {
  /** What an event is counted as. */
  kind(type: string, version: number): number
  /** What an event is counted as that was stored when there was no bound. */
  countedAs(kind: number): number
  /** The transaction that made kinds was undone. */
  forget(): void
}

export function createKinds(sql: Sql): Kinds {
  const known = new Map<string, number>()
  const folded = new Map<number, number>()
  /** How many kinds are not listed; counted when it is asked for. */
  let unlisted: number | undefined
  fold()

  function find(type: string, version: number): number | undefined {
    return sql.all<{ id: number }>(statements.findKind, type, version)[0]?.id
  }

  function insert(type: string, version: number): number {
    const id = sql.all<{ id: number }>(statements.insertKind, type, version)[0]?.id ?? OTHER_ID
    if (unlisted !== undefined && !isListed({ type, version })) unlisted += 1
    return id
  }

  /** In the order they were met. */
  function met(): Kind[] {
    return sql.all<Kind>(statements.kindsAfter, OTHER_ID)
  }

  function sharedKind(type: string): number {
    if (familyOf(type)) return find(type, 0) ?? insert(type, 0)
    const id = find(OTHER_TYPE, 0)
    if (id === undefined) sql.all(statements.restoreKind, OTHER_ID, OTHER_TYPE)
    return id ?? OTHER_ID
  }

  /** Of a store that met more: their counts become one; the rows of events stay as they are. */
  function fold(): void {
    const all = met()
    // A look at the families makes their schemas, which a start can do without.
    if (all.length <= KINDS) return
    const counted = new Set(sql.all<{ kind: number }>(statements.countRows).map(({ kind }) => kind))
    // One without counts is among those that were folded before, and so are its events.
    const beyond = all
      .filter(one => !isListed(one))
      .filter(({ id }, place) => place >= KINDS || !counted.has(id))
    if (beyond.length === 0) return
    const targets = new Map<number, number>()
    try {
      sql.transaction(() => {
        for (const { id, type } of beyond) {
          const target = sharedKind(type)
          if (target === id) continue
          targets.set(id, target)
          sql.all(statements.moveCounts, target, id)
          sql.all(statements.deleteCounts, id)
        }
      }, 'relaxed')
    } catch {
      // It cannot be written now: they are counted as before, until the next start.
      return
    }
    for (const [id, target] of targets) folded.set(id, target)
  }

  const countedAs = (kind: number) => folded.get(kind) ?? kind

  return {
    countedAs,
    forget() {
      known.clear()
      unlisted = undefined
    },
    kind(type, version) {
      const name = `${version} ${type}`
      const before = known.get(name)
      if (before !== undefined) return before
      const found = find(type, version)
      const isOwn = found !== undefined || isListed({ type, version }) || hasRoom()
      // Remembered only where there is a bound.
      if (!isOwn) return sharedKind(type)
      const id = found === undefined ? insert(type, version) : countedAs(found)
      if (id === found || found === undefined) known.set(name, id)
      return id
    },
  }

  function hasRoom(): boolean {
    unlisted ??= met().filter(one => !isListed(one)).length
    return unlisted < KINDS
  }
}

function isListed({ type, version }: Omit<Kind, 'id'>): boolean {
  const family = familyOf(type)
  return family !== undefined && (version === 0 || family.versions.has(version))
}
